// Parses replies, RESP2 and RESP3: what a master answers in the replication handshake, what another node answers to
// MIGRATE or a Sentinel. For control traffic: it builds a tree and copies the bytes.
//
// Feed it all unread bytes; it takes whole elements and says how many bytes they had. What it did not take must be
// given again, with more behind it. Peers are hostile: depth, elements and sizes are limited.
//
// Not thread safe; one per connection. After kProtocolError of no further use: close the connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vigil::wire {

struct RespValue {
  enum class Kind : uint8_t {
    kNull,       // also RESP2's $-1 and *-1
    kSimple,     // text
    kError,      // text with its code; blob errors too
    kInteger,    // integer
    kBulk,       // text
    kDouble,     // number, and text as it was sent
    kBool,       // integer 0 or 1
    kBigNumber,  // text
    kVerbatim,   // text, without its format
    kArray,      // items
    kMap,        // items: keys and values by turns
    kSet,        // items
    kPush,       // items; not an answer to a request
  };

  Kind kind = Kind::kNull;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<RespValue> items;

  bool isError() const { return kind == Kind::kError; }
  bool isText() const { return kind == Kind::kSimple || kind == Kind::kBulk || kind == Kind::kVerbatim; }
  bool isAggregate() const { return kind >= Kind::kArray; }
};

struct ReplyLimits {
  size_t maxDepth = 32;
  size_t maxElements = 1 << 20;  // of one reply, all levels together
  size_t maxBulk = 512 << 20;    // bytes
  size_t maxBytes = 1 << 30;     // of all texts of one reply
};
// For peers whose longest answer is that to INFO.
inline constexpr ReplyLimits kShortReplies{.maxDepth = 8, .maxElements = 16'384, .maxBulk = 4 << 20, .maxBytes = 4 << 20};

class ReplyParser {
 public:
  enum class Outcome : uint8_t { kComplete, kNeedMore, kProtocolError };

  explicit ReplyParser(const ReplyLimits& limits = {}) : limits_(limits) {}

  // Sets `consumed` to the bytes taken, also with kNeedMore. With kComplete, value() is the reply. Line ends before a
  // reply are skipped (a master sends them to keep the link alive), attributes of RESP3 are left out.
  Outcome feed(std::string_view unread, size_t& consumed);

  RespValue& value() { return value_; }
  const std::string& error() const { return error_; }

 private:
  struct Frame {
    RespValue value;
    uint64_t left = 0;       // items still to come
    bool discarded = false;  // an attribute
  };
  enum class Step : uint8_t { kElement, kReply, kNeedMore, kError };

  Step element(std::string_view& unread);
  Step bulk(char type, int64_t length, std::string_view afterLine, std::string_view& unread);
  Step aggregate(char type, int64_t count);
  Step add(RespValue value);
  Step scalar(char type, std::string_view line);
  Step protocolError(std::string what);

  ReplyLimits limits_;
  std::vector<Frame> stack_;
  size_t elements_ = 0;  // of the reply that is being taken
  size_t bytes_ = 0;     // likewise, of its texts
  RespValue value_;
  std::string error_;
};

}  // namespace vigil::wire
