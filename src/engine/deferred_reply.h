// A command whose answer comes later, from another thread: what it asks for happens on another worker, on the disk, or
// when the world can be had. The session is suspended meanwhile; its further input waits.
//
//   auto later = std::make_shared<DeferredReply>(ctx);     in the handler, instead of a reply
//   someLoop.post([later] { ...; later->answer([](command::Reply& reply) { reply.ok(); }); });
//
// Not inside a transaction: a handler asks possible() first, and does with less there.
#pragma once

#include <cstdint>
#include <functional>

#include "command/context.h"
#include "oplog/log.h"

namespace vigil::engine {

class Worker;
enum class Unblock : uint8_t;

class DeferredReply {
 public:
  static bool possible(command::Context& ctx);

  explicit DeferredReply(command::Context& ctx);

  // In the handler: the client counts as blocked until it is answered. `end` is called on its worker, at most once, if
  // something ends the wait before: CLIENT UNBLOCK, whereupon an answer is due, or that the client has gone.
  void waitAsBlocked(std::move_only_function<void(Unblock how)> end);

  // Any thread, once. Does nothing if the client has gone. The reply waits until the commit point has passed `depends`.
  void answer(std::move_only_function<void(command::Reply&)> write, oplog::Offset depends = 0);

 private:
  Worker& worker_;
  const uint64_t session_;
  const bool silent_;  // CLIENT REPLY OFF or SKIP
};

}  // namespace vigil::engine
