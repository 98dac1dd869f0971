// A worker's periodic duties.
#include <algorithm>

#include "base/simulation.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

constexpr size_t kExpireBudget = 200;   // keys of one shard before the clock is looked at
constexpr size_t kCompactBuckets = 200;  // of each table, while its expiry index is filled anew
constexpr size_t kRehashRegions = 100;  // of one shard
constexpr size_t kSampledBuckets = 4;   // of one table

}  // namespace

void Worker::tick() {
  int64_t hz = std::max<int64_t>(1, engine_.options().hz.load(std::memory_order_relaxed));
  tickTimer_ = loop_.after(1'000'000 / hz, [this] { tick(); });
  refreshTime();
  if (engine_.pause().active() && number_ == 0 && engine_.pause().nextEnd() <= nowMs_) engine_.endExpiredPauses();
  if (engine_.options().cronPaused.load(std::memory_order_relaxed)) return;
  checkClients();
  checkEachSecond();
  upkeepOfShards(1'000'000 / hz);
  evictor_.startOver();
}

void Worker::checkClients() {
  int64_t timeout = engine_.options().idleTimeout.load(std::memory_order_relaxed);
  if (timeout <= 0) return;
  MonoUs now = loop_.now();
  for (auto& [id, connection] : connections_) {
    Session& session = connection->session();
    if (session.importing) continue;  // checkEachSecond() knows better
    constexpr uint32_t kExempt = kClientReplica | kClientMaster | kClientPubsub;
    if (session.suspended != Session::Suspended::kNo || (session.info->flags.load(std::memory_order_relaxed) & kExempt) != 0) continue;
    if (now - session.info->lastInteraction.load(std::memory_order_relaxed) > timeout * 1'000'000) {
      engine_.logger().verbose("Closing idle client");
      connection->close("idle");
    }
  }
}

// Each client about once a second: a look at it costs more than the memory that it might give back is worth in that time.
void Worker::checkEachSecond() {
  const MonoUs now = loop_.now();
  if (now - checkedAt_ < 1'000'000) return;
  checkedAt_ = now;
  const bool trimming = engine_.options().outputTrimming.on.load(std::memory_order_relaxed);
  for (auto& [id, connection] : connections_) {
    connection->enforceOutputLimit();
    if (trimming) connection->trimOutput(now);
    Session& session = connection->session();
    if (!session.importing || session.suspended != Session::Suspended::kNo) continue;
    if (!session.import->fallenSilent(session.info->lastInteraction.load(std::memory_order_relaxed))) continue;
    session.import->fail("the source has fallen silent");
    connection->close("its source has fallen silent");
  }
}

// Active expiry and resizing on this worker's share of the shards, for a quarter of the period at most, or what
// active-expire-effort makes of it.
void Worker::upkeepOfShards(int64_t periodUs) {
  NodeState& state = engine_.state();
  bool expire = engine_.options().activeExpire.load(std::memory_order_relaxed) &&
                !state.replica.load(std::memory_order_relaxed) && !engine_.expiryPaused() &&
                !state.loading.load(std::memory_order_relaxed);
  Clock& clock = engine_.system().clock;
  const MonoUs started = clock.mono();
  const int64_t effort = engine_.options().activeExpireEffort.load(std::memory_order_relaxed);
  const MonoUs deadline = started + periodUs * (25 + 2 * (effort - 1)) / 100;
  const size_t shards = engine_.keyspace().shardCount();
  const size_t workers = engine_.workerCount();
  size_t mine = (shards + workers - 1 - number_) / workers;
  for (size_t i = 0; i < mine; ++i) {
    size_t shard = number_ + (upkeepCursor_ + i) % mine * workers;
    bool cut = false;
    withShardNow(shard, [&](Execution& execution) {
      while (expire && execution.expireShard(shard, nowMs_ + (planted(PlantedBug::kExpireEarly) ? 100 : 0), kExpireBudget)) {
        if (clock.mono() > deadline) {
          stats_.expireCyclesCut.add();
          cut = true;
          break;
        }
      }
      execution.limitTracked(shard, nowMs_);
      engine_.keyspace().shard(shard).compactExpiry(kCompactBuckets);
      engine_.keyspace().shard(shard).rehashSome(kRehashRegions);
      engine_.keyspace().shard(shard).sampleTtl(kSampledBuckets);
    });
    if (cut || clock.mono() > deadline) {
      upkeepCursor_ = (upkeepCursor_ + i + 1) % mine;
      break;
    }
  }
  engine_.keyspace().prefetching().collect();
  const int64_t took = clock.mono() - started;
  stats_.upkeepUs.add(took);
  if (expire) engine_.latency().note("expire-cycle", took);
}

bool Worker::withinWorldNow(const std::function<void()>& work) {
  if (!engine_.world().tryEnter(number_)) return false;
  insideWorld_ = true;
  work();
  leaveWorldForExclusive();
  return true;
}

bool Worker::withShardNow(size_t shard, const std::function<void(Execution&)>& work) {
  bool locked = false;
  withinWorldNow([&] {
    locked = execution_.locks().tryAdd(shard);
    if (!locked) return;
    work(execution_);
    execution_.locks().release();
  });
  return locked;
}

}  // namespace vigil::engine
