#include "apps/server/housekeeping.h"

#include <algorithm>
#include <string>

#include "base/memory.h"
#include "engine/engine.h"
#include "engine/worker.h"
#include "keyspace/keyspace.h"
#include "runtime/host_facts.h"

namespace vigil::apps {

namespace {

constexpr MonoUs kSizesEveryUs = 5'000'000;

int64_t slotsOf(keyspace::Keyspace& keyspace, int db) {
  size_t buckets = 0;
  for (size_t shard = 0; shard < keyspace.shardCount(); ++shard) {
    if (const keyspace::Table* table = keyspace.shard(shard).table(db)) buckets += table->bucketCount();
  }
  return static_cast<int64_t>(buckets * keyspace::Bucket::kSlots);
}

}  // namespace

Housekeeping::Housekeeping(EventLoop& control, engine::Engine& engine, std::function<void(bool replica)> role)
    : control_(control), engine_(engine), role_(std::move(role)), sizesAt_(control.now() + kSizesEveryUs) {
  control_.post([this] { step(); });
}

void Housekeeping::step() {
  constexpr int64_t kPeriodUs = 100'000;
  control_.after(kPeriodUs, [this] { step(); });
  engine_.statistics().sample(control_.now());
  if (control_.now() >= sizesAt_) logSizes();
  role_(engine_.state().replica.load());
  if (engine_.haveDuties()) return;  // a snapshot holds more than is used, for a while
  if (!memoryReturn_.step(usedMemory(), static_cast<int64_t>(runtime::residentMemory()))) return;
  for (size_t i = 0; i < engine_.workerCount(); ++i) {
    engine_.worker(i).loop().post([] { releaseMemoryToSystem(); });
  }
}

void Housekeeping::logSizes() {
  sizesAt_ = control_.now() + kSizesEveryUs;
  Logger& logger = engine_.logger();
  if (logger.level() > LogLevel::kVerbose) return;
  engine_.withWorld([&engine = engine_, &logger] {
    keyspace::Keyspace& keyspace = engine.keyspace();
    for (int db = 0; db < static_cast<int>(keyspace.databaseCount()); ++db) {
      const size_t keys = keyspace.size(db);
      if (keys == 0) continue;
      logger.verbose("DB " + std::to_string(db) + ": " + std::to_string(keys) + " keys (" + std::to_string(keyspace.withExpiry(db)) +
                     " volatile) in " + std::to_string(slotsOf(keyspace, db)) + " slots HT.");
    }
  });
  const auto replicas = static_cast<size_t>(engine_.state().replicas.load());
  logger.debug(std::to_string(engine_.clients().count() - std::min(replicas, engine_.clients().count())) + " clients connected (" +
               std::to_string(replicas) + " replicas), " + std::to_string(usedMemory()) + " bytes in use");
}

}  // namespace vigil::apps
