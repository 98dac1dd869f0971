#include "persistence/aof_annotation.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/decimal.h"
#include "base/text.h"
#include "wire/resp_writer.h"

namespace vigil::persistence {

namespace {

constexpr std::string_view kHead = "#VIGIL ";
constexpr std::string_view kMark = "#= ";
constexpr std::string_view kTimestamp = "#TS:";
constexpr size_t kHistoryDigits = 40;
constexpr size_t kChecksumDigits = 16;

// The word up to the next blank, taken off the front of `line`.
std::string_view takeWord(std::string_view& line) {
  size_t end = std::min(line.find(' '), line.size());
  std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(line.size(), end + 1));
  return word;
}

std::optional<std::string_view> takeValue(std::string_view& line, std::string_view name) {
  std::string_view word = takeWord(line);
  if (!word.starts_with(name)) return std::nullopt;
  return word.substr(name.size());
}

bool isHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

AofAnnotation parseHead(std::string_view line) {
  auto history = takeValue(line, "history=");
  auto offset = history ? takeValue(line, "offset=") : std::nullopt;
  auto db = offset ? takeValue(line, "db=") : std::nullopt;
  if (!db || history->size() != kHistoryDigits || !isHex(*history)) return AofComment{};
  auto offsetNumber = parseInt64(*offset);
  auto dbNumber = parseInt64(*db);
  if (!offsetNumber || *offsetNumber < 0 || !dbNumber || *dbNumber < -1 || *dbNumber > INT32_MAX) return AofComment{};
  return AofHead{std::string(*history), *offsetNumber, static_cast<int>(*dbNumber)};
}

AofAnnotation parseMark(std::string_view line) {
  auto offset = parseInt64(takeWord(line));
  std::string_view digits = takeWord(line);
  auto synced = parseInt64(takeWord(line));
  if (!offset || *offset < 0 || !synced || digits.size() != kChecksumDigits || !isHex(digits)) return AofComment{};
  AofMark mark{*offset, 0, *synced};
  std::from_chars(digits.data(), digits.data() + digits.size(), mark.checksum, 16);
  return mark;
}

}  // namespace

void appendHead(std::string& out, const AofHead& head) {
  out.append(kHead).append("history=").append(head.history);
  out.append(" offset=").append(std::to_string(head.offset)).append(" db=").append(std::to_string(head.db));
  out.append("\r\n");
  if (head.db < 0) return;
  std::string db = std::to_string(head.db);
  std::array<std::string_view, 2> select{"SELECT", db};
  size_t at = out.size();
  out.resize(at + wire::encodedCommandSize(select));
  wire::encodeCommandAt(select, out.data() + at);
}

void appendMark(std::string& out, const AofMark& mark) {
  std::array<char, 3 + 20 + 1 + kChecksumDigits + 1 + 20 + 2> line;
  char* at = std::copy(kMark.begin(), kMark.end(), line.data());
  at = putDecimal(at, mark.offset);
  *at++ = ' ';
  for (int shift = 60; shift >= 0; shift -= 4) *at++ = "0123456789abcdef"[mark.checksum >> shift & 15];
  *at++ = ' ';
  at = putDecimal(at, mark.synced);
  *at++ = '\r';
  *at++ = '\n';
  out.append(line.data(), at);
}

void appendTimestamp(std::string& out, int64_t seconds) {
  out.append(kTimestamp).append(std::to_string(seconds)).append("\r\n");
}

AofAnnotation parseAnnotation(std::string_view line) {
  if (line.starts_with(kMark)) return parseMark(line.substr(kMark.size()));
  if (line.starts_with(kHead)) return parseHead(line.substr(kHead.size()));
  if (line.starts_with(kTimestamp)) {
    if (auto seconds = parseInt64(line.substr(kTimestamp.size()))) return AofTimestamp{*seconds};
  }
  return AofComment{};
}

}  // namespace vigil::persistence
