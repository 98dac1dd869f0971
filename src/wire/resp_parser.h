// Parses requests: RESP arrays of bulk strings, and inline commands. For client connections, a master's stream, and
// the commands in an AOF. On the data path: no allocation per command once a ParsedCommand has been used, no copy.
//
// The caller owns the buffer. It hands in all bytes that no command has consumed yet, contiguous, and drops
// command.bytes of them after each complete one:
//
//   buffer:   | consumed | a whole command | a whole command | a part of one |      room      |
//                        ^ unread.data()                                     ^ end of unread
//
// While a command is incomplete the caller keeps its bytes from the first one on, but may move them (grow or compact
// the buffer) between calls. A long command is not parsed again from its start: the parser remembers where it stood.
//
// Not thread safe; one parser per connection. A ParsedCommand may be shared by the connections of a worker. After
// kProtocolError the parser is of no further use: reply with "-ERR " and error(), and close.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vigil::wire {

// One request. `args` view the buffer that was parsed (inline commands: `storage`), so they live as long as that does
// and until the next parse into this object. Moving it keeps the views valid.
struct ParsedCommand {
  std::vector<std::string_view> args;  // empty: an empty line or an empty array, which is skipped without a reply
  size_t bytes = 0;                    // of the buffer that this command took
  bool isInline = false;
  std::vector<char> storage;  // the words of an inline command, unquoted

  void clear();
};

struct RequestLimits {
  uint64_t maxBulk = 512ULL << 20;  // bytes of one argument: proto-max-bulk-len; unlimited for a master's stream
  bool authenticated = true;        // false where a password is required and was not given: 10 arguments, 16 KiB each
};

class RequestParser {
 public:
  enum class Outcome : uint8_t { kComplete, kNeedMore, kProtocolError };

  static constexpr size_t kMaxLine = 64 * 1024;  // of an inline command, a count or a length
  static constexpr int64_t kMaxArgs = INT32_MAX;

  // `unread` begins where a command begins.
  Outcome parse(std::string_view unread, const RequestLimits& limits, ParsedCommand& command);

  // After kNeedMore: at least this many bytes are missing to the end of what is being read (of a long argument: the
  // rest of it), so that the reader can make room for it at once.
  uint64_t missing() const { return missing_; }
  // After kNeedMore: the bytes of the command's arguments that have come whole.
  size_t taken() const { return partial_.empty() ? 0 : position_; }

  // After kProtocolError: Redis's text, "Protocol error: …".
  const std::string& error() const { return error_; }

 private:
  Outcome parseInline(std::string_view unread, ParsedCommand& command);
  Outcome parseArguments(std::string_view unread, const RequestLimits& limits, const char* at, ParsedCommand& command);
  void resume(std::string_view unread, ParsedCommand& command);
  Outcome suspend(std::string_view unread, const char* at, uint64_t missing, ParsedCommand& command);
  Outcome protocolError(std::string_view what, ParsedCommand& command);

  // A suspended command: arguments still to come, the bytes parsed of it, where its bytes stood, its views so far.
  int64_t argsLeft_ = 0;
  size_t position_ = 0;
  const char* base_ = nullptr;
  std::vector<std::string_view> partial_;

  uint64_t missing_ = 0;
  std::string error_;
};

// The first argument behind the name of a request in its plainest form (an array of bulk strings), or empty: a hint for
// prefetching, which promises nothing about the rest. Bytes of anything are allowed.
std::string_view peekFirstArgument(std::string_view request);

}  // namespace vigil::wire
