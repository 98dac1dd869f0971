#include "wire/resp_parser.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/listpack_entry.h"
#include "wire/inline_args.h"

namespace vigil::wire {
namespace {

constexpr int64_t kMaxArgsUnauthenticated = 10;
constexpr int64_t kMaxBulkUnauthenticated = 16384;

// Arguments that room is made for before they have come; a count is only a claim.
constexpr int64_t kArgsReserved = 64;
// Views that a reused command keeps room for.
constexpr size_t kArgsKept = 1024;
// A command of which less than this was parsed is parsed again from its start: cheaper than keeping its state.
constexpr size_t kResumeFrom = 1024;

enum class Line : uint8_t { kOk, kIncomplete, kTooLong, kNotANumber };

// Reads the rest of "<type><number>\r\n" from `at`, any form of it. Like Redis, takes the byte behind \r unseen.
Line readNumberSlowly(const char*& at, const char* end, int64_t& number) {
  const auto length = std::min<size_t>(static_cast<size_t>(end - at), RequestParser::kMaxLine + 1);
  const auto* const stop = static_cast<const char*>(std::memchr(at, '\r', length));
  if (stop == nullptr) return length > RequestParser::kMaxLine ? Line::kTooLong : Line::kIncomplete;
  if (end - stop < 2) return Line::kIncomplete;
  const auto value = listpack::canonicalInteger({at, static_cast<size_t>(stop - at)});
  if (!value) return Line::kNotANumber;
  number = *value;
  at = stop + 2;
  return Line::kOk;
}

// The usual case, one to nine digits without anything odd.
inline Line readNumber(const char*& at, const char* end, int64_t& number) {
  const char* p = at;
  if (end - p < 3) return readNumberSlowly(at, end, number);
  uint32_t digit = static_cast<unsigned char>(*p) - uint32_t{'0'};
  if (digit > 9) return readNumberSlowly(at, end, number);
  uint32_t value = digit;
  for (p++; p < end; p++) {
    digit = static_cast<unsigned char>(*p) - uint32_t{'0'};
    if (digit > 9) break;
    value = value * 10 + digit;
  }
  const bool plain = p - at < 10 && end - p >= 2 && *p == '\r' && (*at != '0' || p - at == 1);
  if (!plain) return readNumberSlowly(at, end, number);
  number = value;
  at = p + 2;
  return Line::kOk;
}

// The command that nearly all are: up to nine arguments of up to 999 bytes, all of it there, nothing odd about it.
// Returns the bytes it takes; 0 says that the thorough way must look at it.
inline size_t parsePlain(std::string_view unread, ParsedCommand& command) {
  constexpr size_t kLongestHeader = 6;  // "$999\r\n"
  const char* at = unread.data();
  const char* const end = at + unread.size();
  if (unread.size() < 4 || at[0] != '*' || at[2] != '\r' || at[1] < '1' || at[1] > '9') return 0;
  const auto count = static_cast<size_t>(at[1] - '0');
  // The one before it in this place is likely to have had as many.
  if (command.args.size() != count) {
    command.clear();
    command.args.resize(count);
  }
  std::string_view* const args = command.args.data();
  at += 4;
  for (size_t i = 0; i < count; ++i) {
    if (end - at < static_cast<ptrdiff_t>(kLongestHeader) || at[0] != '$') return 0;
    uint32_t length = static_cast<unsigned char>(at[1]) - uint32_t{'0'};
    if (length > 9) return 0;
    at += 2;
    if (*at != '\r') {
      uint32_t digit = static_cast<unsigned char>(*at) - uint32_t{'0'};
      if (digit > 9 || length == 0) return 0;
      length = length * 10 + digit;
      if (*++at != '\r') {
        digit = static_cast<unsigned char>(*at) - uint32_t{'0'};
        if (digit > 9) return 0;
        length = length * 10 + digit;
        if (*++at != '\r') return 0;
      }
    }
    at += 2;
    if (end - at < static_cast<ptrdiff_t>(length) + 2) return 0;
    args[i] = {at, length};
    at += length + 2;
  }
  return static_cast<size_t>(at - unread.data());
}

}  // namespace

void ParsedCommand::clear() {
  if (args.capacity() > kArgsKept) [[unlikely]] {
    args = {};
  } else {
    args.clear();
  }
  bytes = 0;
  isInline = false;
}

RequestParser::Outcome RequestParser::parse(std::string_view unread, const RequestLimits& limits,
                                            ParsedCommand& command) {
  if (argsLeft_ == 0 && limits.authenticated) [[likely]] {
    command.bytes = parsePlain(unread, command);
    command.isInline = false;
    if (command.bytes != 0) [[likely]] return Outcome::kComplete;
  }
  command.clear();
  const char* const end = unread.data() + unread.size();
  if (argsLeft_ > 0) {
    resume(unread, command);
    return parseArguments(unread, limits, unread.data() + position_, command);
  }
  if (unread.empty()) {
    missing_ = 1;
    return Outcome::kNeedMore;
  }
  if (unread[0] != '*') return parseInline(unread, command);

  const char* at = unread.data() + 1;
  int64_t count = 0;
  switch (readNumber(at, end, count)) {
    case Line::kOk:
      break;
    case Line::kIncomplete:
      return suspend(unread, unread.data(), 1, command);
    case Line::kTooLong:
      return protocolError("too big mbulk count string", command);
    case Line::kNotANumber:
      return protocolError("invalid multibulk length", command);
  }
  if (count > kMaxArgs) return protocolError("invalid multibulk length", command);
  if (count > kMaxArgsUnauthenticated && !limits.authenticated) {
    return protocolError("unauthenticated multibulk length", command);
  }
  if (count <= 0) {
    command.bytes = static_cast<size_t>(at - unread.data());
    return Outcome::kComplete;
  }
  argsLeft_ = count;
  command.args.reserve(static_cast<size_t>(std::min(count, kArgsReserved)));
  return parseArguments(unread, limits, at, command);
}

RequestParser::Outcome RequestParser::parseArguments(std::string_view unread, const RequestLimits& limits,
                                                     const char* at, ParsedCommand& command) {
  const char* const end = unread.data() + unread.size();
  const uint64_t maxBulk = limits.maxBulk;
  while (argsLeft_ > 0) {
    if (at == end) return suspend(unread, at, 1, command);
    const char* next = at + 1;
    int64_t length = 0;
    // A wrong type byte is an error only once its line is whole, as in Redis.
    const Line line = readNumber(next, end, length);
    if (line == Line::kIncomplete) return suspend(unread, at, 1, command);
    if (line == Line::kTooLong) return protocolError("too big bulk count string", command);
    if (*at != '$') [[unlikely]] {
      const char got = *at == '\r' || *at == '\n' ? ' ' : *at;
      return protocolError(std::string("expected '$', got '") + got + "'", command);
    }
    if (line == Line::kNotANumber || length < 0 || static_cast<uint64_t>(length) > maxBulk) {
      return protocolError("invalid bulk length", command);
    }
    if (length > kMaxBulkUnauthenticated && !limits.authenticated) {
      return protocolError("unauthenticated bulk length", command);
    }
    const auto room = static_cast<uint64_t>(end - next);
    const uint64_t wanted = static_cast<uint64_t>(length) + 2;
    if (room < wanted) return suspend(unread, at, wanted - room, command);
    command.args.emplace_back(next, static_cast<size_t>(length));
    at = next + wanted;
    argsLeft_--;
  }
  missing_ = 1;  // nothing of the next one is known
  command.bytes = static_cast<size_t>(at - unread.data());
  return Outcome::kComplete;
}

RequestParser::Outcome RequestParser::parseInline(std::string_view unread, ParsedCommand& command) {
  const size_t length = std::min(unread.size(), kMaxLine + 1);
  const auto* const newline = static_cast<const char*>(std::memchr(unread.data(), '\n', length));
  if (newline == nullptr) {
    if (length > kMaxLine) return protocolError("too big inline request", command);
    return suspend(unread, unread.data(), 1, command);
  }
  std::string_view line(unread.data(), static_cast<size_t>(newline - unread.data()));
  command.isInline = true;
  if (!splitArgs(line, command.storage, command.args)) {
    return protocolError("unbalanced quotes in request", command);
  }
  command.bytes = line.size() + 1;
  return Outcome::kComplete;
}

// The views of the arguments so far may point to where the bytes stood before the caller moved them.
void RequestParser::resume(std::string_view unread, ParsedCommand& command) {
  command.args = std::move(partial_);
  partial_ = {};
  if (unread.data() == base_) return;
  for (std::string_view& arg : command.args) {
    const auto offset = reinterpret_cast<uintptr_t>(arg.data()) - reinterpret_cast<uintptr_t>(base_);
    arg = {unread.data() + offset, arg.size()};
  }
}

RequestParser::Outcome RequestParser::suspend(std::string_view unread, const char* at, uint64_t missing,
                                              ParsedCommand& command) {
  missing_ = missing;
  position_ = static_cast<size_t>(at - unread.data());
  if (position_ >= kResumeFrom) {
    base_ = unread.data();
    partial_ = std::move(command.args);
    command.args = {};
  } else {
    argsLeft_ = 0;
  }
  command.args.clear();
  return Outcome::kNeedMore;
}

RequestParser::Outcome RequestParser::protocolError(std::string_view what, ParsedCommand& command) {
  error_ = "Protocol error: ";
  error_ += what;
  command.args.clear();
  argsLeft_ = 0;
  partial_ = {};
  return Outcome::kProtocolError;
}

// Less than ten arguments, a name of less than ten letters, a key of less than a hundred bytes: nearly all are such.
std::string_view peekFirstArgument(std::string_view request) {
  constexpr size_t kHead = 8;      // "*2\r\n$3\r\n"
  constexpr size_t kShortest = 7;  // "$1\r\nk\r\n"
  const char* at = request.data();
  if (request.size() < kHead + kShortest || at[0] != '*' || at[1] < '2' || at[2] != '\r' || at[4] != '$' || at[6] != '\r') return {};
  const size_t name = static_cast<unsigned char>(at[5]) - size_t{'0'};
  const size_t from = kHead + name + 2;
  if (name > 9 || request.size() < from + kShortest || at[from] != '$') return {};
  at += from + 1;
  size_t size = static_cast<unsigned char>(*at++) - size_t{'0'};
  if (size > 9) return {};
  if (*at != '\r') {
    const size_t digit = static_cast<unsigned char>(*at++) - size_t{'0'};
    if (digit > 9 || *at != '\r') return {};
    size = 10 * size + digit;
  }
  at += 2;
  const auto left = static_cast<size_t>(request.data() + request.size() - at);
  return size <= left ? std::string_view(at, size) : std::string_view();
}

}  // namespace vigil::wire
