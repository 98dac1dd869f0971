#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/decimal.h"

namespace vigil {

namespace {

// The digits of a canonical number: "0", or no zero at its front.
std::optional<uint64_t> parseCanonicalDigits(std::string_view digits) {
  if (digits.empty() || digits.size() > kMaxDecimal) return std::nullopt;
  if (digits[0] == '0') return digits.size() == 1 ? std::optional<uint64_t>(0) : std::nullopt;
  uint64_t value = 0;
  for (char c : digits) {
    unsigned digit = static_cast<unsigned char>(c) - '0';
    if (digit > 9) return std::nullopt;
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value)) return std::nullopt;
  }
  return value;
}

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr char kHexDigits[] = "0123456789abcdef";

}  // namespace

std::optional<int64_t> parseInt64(std::string_view text) {
  bool negative = !text.empty() && text[0] == '-';
  auto magnitude = parseCanonicalDigits(negative ? text.substr(1) : text);
  if (!magnitude) return std::nullopt;
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (negative) {
    if (*magnitude == 0 || *magnitude > kMax + 1) return std::nullopt;
    return static_cast<int64_t>(~*magnitude + 1);
  }
  if (*magnitude > kMax) return std::nullopt;
  return static_cast<int64_t>(*magnitude);
}

std::optional<uint64_t> parseUint64(std::string_view text) { return parseCanonicalDigits(text); }

void appendInteger(std::string& out, int64_t value) {
  char digits[kMaxDecimal];
  out.append(digits, putDecimal(digits, value));
}

char toLowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string toLower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), toLowerAscii);
  return lower;
}

bool equalsIgnoreCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::ranges::equal(a, b, {}, toLowerAscii, toLowerAscii);
}

std::string toHex(std::string_view bytes) {
  std::string digits;
  digits.reserve(bytes.size() * 2);
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    digits.push_back(kHexDigits[byte >> 4]);
    digits.push_back(kHexDigits[byte & 15]);
  }
  return digits;
}

std::optional<std::string> fromHex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(digits.size() / 2);
  for (size_t i = 0; i < digits.size(); i += 2) {
    int high = hexValue(digits[i]), low = hexValue(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

std::string_view trimmed(std::string_view text, std::string_view what) {
  size_t begin = text.find_first_not_of(what);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(what) - begin + 1);
}

std::optional<uint64_t> parseMemorySize(std::string_view text) {
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return std::nullopt;
  std::string unit = toLower(text.substr(digits));
  uint64_t factor = 0;
  if (unit.empty() || unit == "b") factor = 1;
  if (unit == "k") factor = 1000;
  if (unit == "kb") factor = 1024;
  if (unit == "m") factor = 1000 * 1000;
  if (unit == "mb") factor = 1024 * 1024;
  if (unit == "g") factor = 1000 * 1000 * 1000;
  if (unit == "gb") factor = 1024 * 1024 * 1024;
  if (factor == 0) return std::nullopt;
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || __builtin_mul_overflow(value, factor, &value)) return std::nullopt;
  return value;
}

std::string formatMemorySize(uint64_t bytes) {
  constexpr uint64_t kKilo = 1024, kMega = kKilo * 1024, kGiga = kMega * 1024;
  if (bytes != 0 && bytes % kGiga == 0) return std::to_string(bytes / kGiga) + "gb";
  if (bytes != 0 && bytes % kMega == 0) return std::to_string(bytes / kMega) + "mb";
  if (bytes != 0 && bytes % kKilo == 0) return std::to_string(bytes / kKilo) + "kb";
  return std::to_string(bytes);
}

namespace {

// Reads the words of one line. `at_` is the next byte that is not yet part of a word.
class ArgumentSplitter {
 public:
  explicit ArgumentSplitter(std::string_view line) : line_(line) {}

  std::optional<std::vector<std::string>> split() {
    std::vector<std::string> words;
    for (;;) {
      while (!atEnd() && isSpace(line_[at_])) ++at_;
      if (atEnd()) return words;
      std::string word;
      if (!readWord(word)) return std::nullopt;
      words.push_back(std::move(word));
    }
  }

 private:
  // A NUL byte ends the line, as it does in Redis.
  bool atEnd() const { return at_ >= line_.size() || line_[at_] == '\0'; }
  static bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

  bool readWord(std::string& word) {
    while (!atEnd() && !isSpace(line_[at_])) {
      char c = line_[at_++];
      if (c == '"') return readDoubleQuoted(word) && spaceFollows();
      if (c == '\'') return readSingleQuoted(word) && spaceFollows();
      word.push_back(c);
    }
    return true;
  }

  bool spaceFollows() const { return atEnd() || isSpace(line_[at_]); }

  bool readDoubleQuoted(std::string& word) {
    while (!atEnd()) {
      char c = line_[at_++];
      if (c == '"') return true;
      word.push_back(c == '\\' && !atEnd() ? readEscape() : c);
    }
    return false;
  }

  char readEscape() {
    if (line_[at_] == 'x' && at_ + 2 < line_.size()) {
      int high = hexValue(line_[at_ + 1]), low = hexValue(line_[at_ + 2]);
      if (high >= 0 && low >= 0) {
        at_ += 3;
        return static_cast<char>(high * 16 + low);
      }
    }
    char c = line_[at_++];
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'b':
        return '\b';
      case 'a':
        return '\a';
      default:
        return c;
    }
  }

  bool readSingleQuoted(std::string& word) {
    while (!atEnd()) {
      char c = line_[at_++];
      if (c == '\'') return true;
      if (c == '\\' && !atEnd() && line_[at_] == '\'') c = line_[at_++];
      word.push_back(c);
    }
    return false;
  }

  std::string_view line_;
  size_t at_ = 0;
};

}  // namespace

std::optional<std::vector<std::string>> splitArguments(std::string_view line) { return ArgumentSplitter(line).split(); }

void appendQuoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    constexpr std::string_view kControls = "\n\r\t\a\b", kLetters = "nrtab";
    if (c == '\\' || c == '"') {
      out.append({'\\', c});
    } else if (size_t i = kControls.find(c); i != std::string_view::npos) {
      out.append({'\\', kLetters[i]});
    } else if (byte >= 0x20 && byte < 0x7f) {
      out.push_back(c);
    } else {
      out.append({'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15]});
    }
  }
  out.push_back('"');
}

std::string quoteArgument(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  appendQuoted(out, text);
  return out;
}

}  // namespace vigil
