// Appends RESP to a buffer: the pieces of replies, and whole commands as they stand in the log, the AOF and a
// replication stream. Pure functions, thread safe for different buffers.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/decimal.h"

namespace vigil::wire {

// A line of a type byte and a number: "*3\r\n", "$16\r\n", ":-1\r\n".
template <typename Integer>
inline void appendNumberLine(std::string& out, char type, Integer number) {
  char line[kMaxDecimal + 3];
  line[0] = type;
  char* at = putDecimal(line + 1, number);
  *at++ = '\r';
  *at++ = '\n';
  out.append(line, static_cast<size_t>(at - line));
}

inline void appendInteger(std::string& out, int64_t number) { appendNumberLine(out, ':', number); }
inline void appendArrayHeader(std::string& out, uint64_t count) { appendNumberLine(out, '*', count); }
inline void appendBulkHeader(std::string& out, uint64_t length) { appendNumberLine(out, '$', length); }

// RESP3 only.
inline void appendMapHeader(std::string& out, uint64_t pairs) { appendNumberLine(out, '%', pairs); }
inline void appendSetHeader(std::string& out, uint64_t count) { appendNumberLine(out, '~', count); }
inline void appendPushHeader(std::string& out, uint64_t count) { appendNumberLine(out, '>', count); }

inline void appendBulk(std::string& out, std::string_view text) {
  appendBulkHeader(out, text.size());
  out.append(text);
  out.append("\r\n", 2);
}

// An integer as a bulk string: what INCR's kin store and GET shows.
inline void appendBulkInteger(std::string& out, int64_t number) {
  char digits[kMaxDecimal];
  appendBulk(out, {digits, putDecimal(digits, number)});
}

// `text` holds no line end.
inline void appendSimple(std::string& out, std::string_view text) {
  out += '+';
  out.append(text);
  out.append("\r\n", 2);
}

// `text` with its code ("ERR …", "WRONGTYPE …"); line ends inside become blanks, as in Redis.
inline void appendError(std::string& out, std::string_view text) {
  out += '-';
  for (char c : text) out += c == '\r' || c == '\n' ? ' ' : c;
  out.append("\r\n", 2);
}

// Bytes of `args` as one command record.
template <typename Args>
size_t encodedCommandSizeOf(const Args& args) {
  size_t size = 1 + decimalDigits(args.size()) + 2;
  for (std::string_view arg : args) size += 1 + decimalDigits(arg.size()) + 2 + arg.size() + 2;
  return size;
}
inline size_t encodedCommandSize(std::span<const std::string_view> args) { return encodedCommandSizeOf(args); }
inline size_t encodedCommandSize(std::initializer_list<std::string_view> args) { return encodedCommandSizeOf(args); }

// Writes one command record at `at`, where encodedCommandSize() bytes are free; returns the byte behind it.
inline char* encodeCommandAt(std::span<const std::string_view> args, char* at) {
  const auto line = [&at](char type, size_t number) {
    *at++ = type;
    at = putDecimal(at, static_cast<uint64_t>(number));
    *at++ = '\r';
    *at++ = '\n';
  };
  line('*', args.size());
  for (std::string_view arg : args) {
    line('$', arg.size());
    if (!arg.empty()) std::memcpy(at, arg.data(), arg.size());
    at += arg.size();
    *at++ = '\r';
    *at++ = '\n';
  }
  return at;
}

// Appends one command record.
inline void encodeCommand(std::span<const std::string_view> args, std::string& out) {
  appendArrayHeader(out, args.size());
  for (std::string_view arg : args) appendBulk(out, arg);
}
inline void encodeCommand(std::initializer_list<std::string_view> args, std::string& out) {
  encodeCommand(std::span<const std::string_view>(args.begin(), args.size()), out);
}

}  // namespace vigil::wire
