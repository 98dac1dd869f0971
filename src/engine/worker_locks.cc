// What a command needs before it runs, from the side of a worker: the world, shared or alone, and the locks of its shards.
// What is not free at once is never waited for: the caller is put back, and a wake is left where it waits.
#include <algorithm>
#include <cassert>

#include "base/simulation.h"
#include "command/command_table.h"
#include "engine/connection.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

Task Worker::wakeLater(uint64_t sessionId) {
  if (planted(PlantedBug::kLostWake)) return [] {};
  return [this, sessionId] {
    loop_.post([this, sessionId] {
      Connection* connection = findConnection(sessionId);
      if (connection && connection->session().suspended == Session::Suspended::kPutBack) connection->resume();
    });
  };
}

void Worker::putBack(Session& session) { session.suspended = Session::Suspended::kPutBack; }

bool Worker::enterExclusive(Task wake) {
  if (insideWorld_) leaveWorldForExclusive();
  WorldLock& world = engine_.world();
  // What is woken may be gone, or not want the world any more: then the claim must not stay.
  Task later = [this, wake = std::move(wake)]() mutable {
    wake();
    loop_.post([this] { engine_.world().dropClaim(number_); });
  };
  do {
    for (int spin = 0; spin < WorldLock::kSpins; ++spin) {
      if (!world.tryExclusive(number_)) continue;
      if (engine_.reservations() != 0) [[unlikely]] {
        execution_.locks().setWorld(true);
        execution_.serveAllReserved(nowMs_);
        execution_.locks().setWorld(false);
      }
      return true;
    }
  } while (!world.waitExclusive(number_, std::move(later)));
  return false;
}

void Worker::shardsOf(const command::CommandEntry& entry, command::Args args, std::vector<uint32_t>& shards) {
  auto& keyspace = engine_.keyspace();
  if (entry.spec->lockShards) {
    entry.spec->lockShards(args, keyspace, shards);
    return;
  }
  keyScratch_.clear();
  if (!command::findKeys(*entry.spec, args, keyScratch_)) return;
  for (const auto& position : keyScratch_) {
    uint64_t hash = keyspace.hashOf(args[static_cast<size_t>(position.argument)]);
    shards.push_back(static_cast<uint32_t>(keyspace.shardNumberOf(hash)));
  }
}

void Worker::normalise(std::vector<uint32_t>& shards) {
  std::sort(shards.begin(), shards.end());
  shards.erase(std::unique(shards.begin(), shards.end()), shards.end());
}

bool Worker::lockShards(const std::vector<uint32_t>& shards, Task&& wake) {
  for (uint32_t busy = 0; !execution_.locks().acquire(shards, busy);) {
    if (engine_.keyspace().shard(busy).lock.waitFor(std::move(wake))) return false;
  }
  return true;
}

bool Worker::lockShards(const std::vector<uint32_t>& shards, uint64_t sessionId) {
  uint32_t busy = 0;
  return execution_.locks().acquire(shards, busy) || lockShards(shards, wakeLater(sessionId));
}

// Puts the command back if one of its keys, now locked, is reserved for a blocked call.
bool Worker::keptFrom(Session& session, const command::CommandEntry& entry, command::Args args) {
  if (!execution_.waitsForReserved(entry, args, nullptr, UINT64_MAX, wakeLater(session.id))) return false;
  unlockAll();
  putBack(session);
  return true;
}

bool Worker::waitForShard(uint32_t shard, uint64_t sessionId) {
  do {
    if (engine_.keyspace().shard(shard).lock.waitFor(wakeLater(sessionId))) return false;
  } while (!execution_.locks().acquireOne(shard));
  return true;
}

bool Worker::lockKeys(Session& session, const command::CommandEntry& entry, command::Args args) {
  shardScratch_.clear();
  shardsOf(entry, args, shardScratch_);
  normalise(shardScratch_);
  if (lockShards(shardScratch_, session.id)) return true;
  putBack(session);
  return false;
}

void Worker::withWorld(Task work) {
  loop_.post([this, work = std::move(work)]() mutable { runWithWorld(std::move(work)); });
}

void Worker::runWithWorld(Task work) {
  auto shared = std::make_shared<Task>(std::move(work));
  if (!enterExclusive([this, shared] { loop_.post([this, shared] { runWithWorld(std::move(*shared)); }); })) return;
  refreshTime();
  (*shared)();
  engine_.world().releaseExclusive();
}

void Worker::withShard(size_t shard, std::move_only_function<void(Execution&)> work) {
  auto& locks = execution_.locks();
  if (locks.holds(shard)) return work(execution_);
  assert(locks.held().empty());
  auto shared = std::make_shared<std::move_only_function<void(Execution&)>>(std::move(work));
  Task retry = [this, shard, shared] {
    loop_.post([this, shard, shared] { withShard(shard, std::move(*shared)); });
  };
  bool wasInside = insideWorld_;
  if (!takeWorld(nullptr, &retry)) return;
  if (lockShards({static_cast<uint32_t>(shard)}, std::move(retry))) {
    (*shared)(execution_);
    locks.release();
  }
  if (!wasInside) leaveWorldForExclusive();
}

}  // namespace vigil::engine
