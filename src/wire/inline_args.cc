#include "wire/inline_args.h"

namespace vigil::wire {
namespace {

bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// What ends an unquoted word: fewer characters than separate words, as in Redis.
bool endsWord(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char escaped(char c) {
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

class Splitter {
 public:
  // A word is never longer than its source, so the storage never grows while there are views into it.
  Splitter(std::string_view line, std::vector<char>& storage) : line_(line.substr(0, line.find('\0'))) {
    storage.resize(line_.size());
    out_ = storage.data();
  }

  bool run(std::vector<std::string_view>& words) {
    for (;;) {
      while (at_ < line_.size() && isSpace(line_[at_])) at_++;
      if (at_ == line_.size()) return true;
      const char* const begin = out_;
      if (!word()) return false;
      words.emplace_back(begin, static_cast<size_t>(out_ - begin));
    }
  }

 private:
  bool word() {
    while (at_ < line_.size() && !endsWord(line_[at_])) {
      const char c = line_[at_++];
      if (c != '"' && c != '\'') {
        *out_++ = c;
        continue;
      }
      if (!(c == '"' ? doubleQuoted() : singleQuoted())) return false;
      return at_ == line_.size() || isSpace(line_[at_]);
    }
    return true;
  }

  bool doubleQuoted() {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (c == '"') return true;
      *out_++ = c == '\\' && at_ < line_.size() ? escape() : c;
    }
    return false;
  }

  // Behind a backslash, with at least one character left.
  char escape() {
    if (line_[at_] == 'x' && line_.size() - at_ > 2) {
      const int high = hexDigit(line_[at_ + 1]);
      const int low = hexDigit(line_[at_ + 2]);
      if (high >= 0 && low >= 0) {
        at_ += 3;
        return static_cast<char>(high * 16 + low);
      }
    }
    return escaped(line_[at_++]);
  }

  bool singleQuoted() {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (c == '\'') return true;
      if (c == '\\' && at_ < line_.size() && line_[at_] == '\'') at_++;
      *out_++ = line_[at_ - 1];
    }
    return false;
  }

  std::string_view line_;
  size_t at_ = 0;
  char* out_ = nullptr;
};

}  // namespace

bool splitArgs(std::string_view line, std::vector<char>& storage, std::vector<std::string_view>& words) {
  return Splitter(line, storage).run(words);
}

bool needsQuotes(std::string_view word) {
  if (word.empty()) return true;
  for (char c : word) {
    if (c <= ' ' || c > '~' || c == '\\' || c == '"' || c == '\'') return true;
  }
  return false;
}

}  // namespace vigil::wire
