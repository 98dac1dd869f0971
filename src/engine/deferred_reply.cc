#include "engine/deferred_reply.h"

#include <algorithm>
#include <utility>

#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/session.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

Session& suspend(command::Context& ctx) {
  auto& session = static_cast<Session&>(ctx.session());
  session.suspended = Session::Suspended::kWaiting;
  return session;
}

}  // namespace

bool DeferredReply::possible(command::Context& ctx) {
  return !static_cast<Execution&>(ctx).inTransaction() && static_cast<Session&>(ctx.session()).connection != nullptr;
}

DeferredReply::DeferredReply(command::Context& ctx)
    : worker_(static_cast<Execution&>(ctx).worker()),
      session_(suspend(ctx).id),
      silent_(static_cast<Session&>(ctx.session()).replyMode != ReplyMode::kOn) {}

void DeferredReply::waitAsBlocked(std::move_only_function<void(Unblock)> end) {
  worker_.findConnection(session_)->session().endWait = std::move(end);
  worker_.engine().blockedCounter().fetch_add(1, std::memory_order_relaxed);
}

void DeferredReply::answer(std::move_only_function<void(command::Reply&)> write, oplog::Offset depends) {
  worker_.loop().post([&worker = worker_, id = session_, silent = silent_, write = std::move(write), depends]() mutable {
    Connection* connection = worker.findConnection(id);
    if (!connection || connection->session().suspended != Session::Suspended::kWaiting) return;
    worker.takeEndWait(connection->session());
    if (!silent) write(connection->session().reply);
    if (depends != 0 && !worker.engine().commit().reached(depends)) {
      connection->session().barrier = std::max(connection->session().barrier, depends);
    }
    worker.queueFlush(*connection);
    connection->resume();
    connection->publishInfo();
  });
}

}  // namespace vigil::engine
