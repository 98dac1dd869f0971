// What is pushed to clients on others' account: encoded once, referenced by all who get it, whatever their protocol.
//
// Thread safe as a value: the body is never written again.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "ds/shared_buffer.h"

namespace vigil::command {
class OutputBuffer;
}

namespace vigil::engine {

struct Message {
  enum class Kind : uint8_t {
    kPush,          // an array to RESP2, a push to RESP3; the body is what follows the type byte
    kResp3Push,     // the same, but nothing to RESP2
    kLine,          // MONITOR's: the body as it is
    kInvalidation,  // of a client's cache; the body is the array of keys, empty: all that it has cached
  };
  // Who gets it, as of the moment in which it joins his output.
  struct Receiver {
    int protocol = 2;
    bool subscribed = false;
  };

  Kind kind = Kind::kPush;
  bool redirected = false;  // an invalidation for another client's cache
  ds::SharedBuffer body;    // without the CRLF at its end

  static Message push(std::initializer_list<std::string_view> parts);
  static Message sunsubscribed(std::string_view channel, size_t left);  // subscriptions of shard channels that are left
  static Message line(std::string_view text);  // "+…", no CR or LF in it
  // Of these keys; none: of everything.
  static Message invalidation(std::span<const std::string_view> keys);
  static Message redirectBroken(uint64_t client);

  // What it counts for in the limits of a client's output, until it joins that.
  size_t size() const { return body.size() + 64; }
  // Behind what is there. Bodies are copied only where that is cheaper than referencing them.
  void appendTo(command::OutputBuffer& out, const Receiver& receiver) const;
};

}  // namespace vigil::engine
