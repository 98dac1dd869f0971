// A command whose answer comes later, from another thread: what it asks for happens on another worker, on the disk, or
// when the world can be had. The session is suspended meanwhile; its further input waits.
//
//   auto later = std::make_shared<DeferredReply>(ctx);     in the handler, instead of a reply
//   someLoop.post([later] { ...; later->answer([](command::Reply& reply) { reply.ok(); }); });
//
// Not inside a transaction: a handler asks possible() first, and does with less there.
#pragma once

#include <functional>

#include "command/context.h"
#include "oplog/log.h"

namespace vigil::engine {

class Worker;

class DeferredReply {
 public:
  static bool possible(command::Context& ctx);

  explicit DeferredReply(command::Context& ctx);

  // Any thread, once. Does nothing if the client has gone. The reply waits until the commit point has passed `depends`.
  void answer(std::move_only_function<void(command::Reply&)> write, oplog::Offset depends = 0);

 private:
  Worker& worker_;
  const uint64_t session_;
  const bool silent_;  // CLIENT REPLY OFF or SKIP
};

}  // namespace vigil::engine
