// Commands that wait for a key, from the side of the worker that the waiting client lives on.
#include "command/command_table.h"
#include "engine/blocked_call.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

void Worker::suspendBlocked(Session& session) {
  session.blocked = execution_.takeBlock();
  session.suspended = Session::Suspended::kBlocked;
  engine_.blockedCounter().fetch_add(1, std::memory_order_relaxed);
  if (int64_t timeoutUs = execution_.blockTimeoutUs(); timeoutUs > 0) {
    uint64_t id = session.id;
    std::weak_ptr<BlockedCall> call = session.blocked;
    session.blocked->timer = loop_.after(timeoutUs, [this, id, call] {
      Connection* connection = findConnection(id);
      auto waiting = call.lock();
      if (connection && waiting && connection->session().blocked == waiting) {
        unblock(connection->session(), Unblock::kTimeout);
      }
    });
  }
}

void Worker::finishBlocked(std::shared_ptr<BlockedCall> call, command::OutputBuffer reply, oplog::Offset depends) {
  loop_.post([this, call = std::move(call), reply = std::move(reply), depends]() mutable {
    Connection* connection = findConnection(call->session.id);
    if (!connection || connection->session().blocked != call) return;
    Session& session = connection->session();
    loop_.cancel(call->timer);
    session.blocked.reset();
    engine_.blockedCounter().fetch_sub(1, std::memory_order_relaxed);
    if (session.replyMode == ReplyMode::kOn) session.out.appendAll(std::move(reply));
    if (depends != 0 && !engine_.commit().reached(depends)) session.barrier = std::max(session.barrier, depends);
    queueFlush(*connection);
    connection->resume();
    connection->publishInfo();
  });
}

void Worker::retryBlocked(std::shared_ptr<BlockedCall> call) {
  loop_.post([this, call = std::move(call)]() mutable {
    Connection* connection = findConnection(call->session.id);
    if (!connection || connection->session().blocked != call || call->claimed()) return;
    refreshTime();
    Task wake = [this, call] { retryBlocked(call); };
    if (!takeWorld(nullptr, &wake)) return;
    std::vector<uint32_t> shards;
    shardsOf(*call->command, call->args, shards);
    normalise(shards);
    uint32_t busy = 0;
    if (execution_.locks().acquire(shards, busy)) {
      execution_.begin(nowMs_, false);
      execution_.serve(call);
      execution_.finish();
      execution_.locks().release();
    } else if (!engine_.keyspace().shard(busy).lock.waitFor(std::move(wake))) {
      retryBlocked(call);
    }
    leaveWorldForExclusive();
  });
}

// Takes the session's call out of its keys' queues; false if it was served meanwhile.
bool Worker::endWait(Session& session) {
  auto call = session.blocked;
  if (!call || !call->claim()) return false;
  loop_.cancel(call->timer);
  session.blocked.reset();
  engine_.blockedCounter().fetch_sub(1, std::memory_order_relaxed);
  for (const auto& [argument, hash] : call->keys) {
    std::string key(call->args[argument]);
    size_t shard = engine_.keyspace().shardNumberOf(hash);
    withShard(shard, [this, shard, call, key](Execution&) {
      engine_.shardState(shard).unblock(call->session.db, key, call.get());
    });
  }
  return true;
}

bool Worker::unblock(Session& session, Unblock how) {
  auto call = session.blocked;
  if (!endWait(session)) return false;
  if (how == Unblock::kGone) return true;
  if (how == Unblock::kError) {
    session.reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
  } else if (call->onTimeout == command::TimeoutReply::kNullArray) {
    session.reply.nullArray();
  } else if (call->onTimeout == command::TimeoutReply::kNull) {
    session.reply.null();
  } else {
    session.reply.integer(0);
  }
  queueFlush(*session.connection);
  session.connection->resume();
  return true;
}

void Worker::unblockAll(const std::string& error) {
  for (auto& [id, connection] : connections_) {
    Session& session = connection->session();
    if (!session.blocked || !endWait(session)) continue;
    session.reply.error(error);
    queueFlush(*connection);
    connection->resume();
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
