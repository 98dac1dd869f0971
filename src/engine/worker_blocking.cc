// Commands that wait for a key, from the side of the worker that the waiting client lives on.
#include <utility>

#include "command/command_table.h"
#include "engine/blocked_call.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

void Worker::suspendBlocked(Session& session) {
  session.blocked = execution_.takeBlock();
  session.suspended = Session::Suspended::kBlocked;
  session.blocked->silent = session.replyMode != ReplyMode::kOn;
  engine_.blockedCounter().fetch_add(1, std::memory_order_relaxed);
  if (int64_t timeoutUs = execution_.blockTimeoutUs(); timeoutUs > 0) {
    uint64_t id = session.id;
    std::weak_ptr<BlockedCall> call = session.blocked;
    engine_.timedWaitCounter().fetch_add(1, std::memory_order_relaxed);
    session.blocked->timer = loop_.after(timeoutUs, [this, id, call] {
      Connection* connection = findConnection(id);
      auto waiting = call.lock();
      if (connection && waiting && connection->session().blocked == waiting) {
        unblock(connection->session(), Unblock::kTimeout);
      }
    });
  }
}

void Worker::finishBlocked(std::shared_ptr<BlockedCall> call, command::OutputBuffer reply, oplog::Offset depends,
                           int64_t nanos) {
  loop_.post([this, call = std::move(call), reply = std::move(reply), depends, nanos]() mutable {
    loop_.cancel(call->timer);
    if (call->timer != 0) engine_.timedWaitCounter().fetch_sub(1, std::memory_order_relaxed);
    engine_.blockedCounter().fetch_sub(1, std::memory_order_relaxed);
    Connection* connection = findConnection(call->session.id);
    if (!connection || connection->session().blocked != call) return;
    Session& session = connection->session();
    session.blocked.reset();
    endedBlocked(session, *call, nanos);
    countForSlot(*call, nanos, call->silent ? 0 : reply.pending());
    if (!call->silent) session.out.appendAll(std::move(reply));
    if (depends != 0 && !engine_.commit().reached(depends)) session.barrier = std::max(session.barrier, depends);
    session.lastWrite = std::max(session.lastWrite, depends);  // what was popped for it
    queueFlush(*connection);
    connection->resume();
    connection->publishInfo();
  });
}

bool Worker::unblock(Session& session, Unblock how) {
  auto call = session.blocked;
  if (!call) return false;
  switch (call->end(how)) {
    case BlockedCall::End::kTooLate:
      return false;
    case BlockedCall::End::kAsked:  // whoever tries to serve it serves it, or calls endBlocked()
      return true;
    case BlockedCall::End::kNow:
      break;
  }
  finishEnded(call, how);
  return true;
}

EndWait Worker::takeEndWait(Session& session) {
  if (session.endWait) engine_.blockedCounter().fetch_sub(1, std::memory_order_relaxed);
  return std::exchange(session.endWait, nullptr);
}

bool Worker::endWait(Session& session, Unblock how) {
  EndWait end = takeEndWait(session);
  if (!end) return false;
  end(how);
  return true;
}

void Worker::endBlocked(std::shared_ptr<BlockedCall> call, Unblock how) {
  loop_.post([this, call = std::move(call), how] { finishEnded(call, how); });
}

void Worker::finishEnded(const std::shared_ptr<BlockedCall>& call, Unblock how) {
  loop_.cancel(call->timer);
  if (call->timer != 0) engine_.timedWaitCounter().fetch_sub(1, std::memory_order_relaxed);
  engine_.blockedCounter().fetch_sub(1, std::memory_order_relaxed);
  for (const auto& [argument, hash] : call->keys) {
    size_t shard = engine_.keyspace().shardNumberOf(hash);
    withShard(shard, [this, shard, call, argument](Execution&) {
      engine_.shardState(shard).unblock(call->session.db, call->args[argument], call.get());
    });
  }
  Connection* connection = how == Unblock::kGone ? nullptr : findConnection(call->session.id);
  if (!connection || connection->session().blocked != call) return;
  Session& session = connection->session();
  session.blocked.reset();
  endedBlocked(session, *call, 0);
  const size_t pending = session.out.pending();
  if (!call->silent) replyEnded(session, *call, how);
  countForSlot(*call, 0, session.out.pending() - pending);
  queueFlush(*connection);
  connection->resume();
}

void Worker::replyEnded(Session& session, const BlockedCall& call, Unblock how) {
  if (how == Unblock::kError) {
    session.reply.error(kUnblockedByClient);
  } else if (how == Unblock::kRoleChange) {
    session.reply.error(
        "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)");
  } else if (how == Unblock::kMisplaced) {
    const std::string error = misplaced(call);  // unless it has come back meanwhile
    session.reply.error(error.empty() ? "TRYAGAIN The slot of the key has moved and come back" : error);
  } else if (call.onTimeout == command::TimeoutReply::kNullArray) {
    session.reply.nullArray();
  } else if (call.onTimeout == command::TimeoutReply::kNull) {
    session.reply.null();
  } else {
    session.reply.integer(0);
  }
}

void Worker::unblockAll() {
  for (auto& [id, connection] : connections_) {
    if (connection->session().blocked) unblock(connection->session(), Unblock::kRoleChange);
  }
}

void Worker::closeUncommitted() {
  for (auto& [id, connection] : connections_) {
    oplog::Offset barrier = connection->session().barrier;
    if (barrier != 0 && !engine_.commit().reached(barrier)) connection->close("the history of its writes has ended");
  }
}

void Worker::unwatchAll(Session& session) {
  if (!session.watchToken) return;
  auto token = std::move(session.watchToken);
  session.watchToken.reset();
  auto watched = std::move(session.watched);
  session.watched.clear();
  for (WatchedKey& key : watched) {
    size_t shard = engine_.keyspace().shardNumberOf(key.hash);
    withShard(shard, [this, shard, token, key](Execution&) {
      engine_.shardState(shard).unwatch(key.db, key.key, token.get());
    });
  }
}

}  // namespace vigil::engine
