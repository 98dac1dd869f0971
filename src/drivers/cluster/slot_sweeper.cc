#include "drivers/cluster/slot_sweeper.h"

#include <string>
#include <utility>

#include "base/crc16.h"
#include "engine/execution.h"
#include "engine/worker.h"

namespace vigil::drivers {

namespace {

constexpr MonoUs kStepUs = 40;
constexpr int kPiecesPerStep = 64;  // where the clock stands still
constexpr int kRegionsPerPiece = 4;

}  // namespace

SlotSweeper::SlotSweeper(engine::Engine& engine, InWorld inWorld)
    : engine_(engine), inWorld_(std::move(inWorld)), walks_(std::make_unique<Walk[]>(engine.keyspace().shardCount())) {}

void SlotSweeper::begin(const SlotSet& slots, Task done) {
  keyspace::Keyspace& keyspace = engine_.keyspace();
  batches_.push_back({slots, std::move(done)});
  keyspace.hiddenSlots().add(slots);
  sweeping_.add(slots);
  slots.forEach([&](uint16_t slot) {
    Walk& walk = walks_[keyspace.shardNumberOfSlot(slot)];
    walk.db = 0;
    walk.cursor = 0;
    if (!walk.pending.exchange(true)) pending_.fetch_add(1);
  });
  engine_.removeDuty(this);
  engine_.addDuty(shared_from_this());
  engine_.wakeWorkers();
  if (pending_.load() == 0) inWorld_([self = shared_from_this()] { self->settle(); });
}

void SlotSweeper::finishNow(const SlotSet& slots) {
  engine::Execution& execution = engine_.worker(0).execution();
  SlotSet finished;
  slots.forEach([&](uint16_t slot) {
    if (!sweeping_.test(slot)) return;
    finished.set(slot);
    if (engine_.keyspace().keysInSlot(slot) == 0) return;
    execution.locks().setWorld(true);
    for (size_t db = 0; db < engine_.keyspace().databaseCount(); ++db) {
      execution.dropSlot(static_cast<int>(db), slot, engine_.worker(0).now());
    }
    execution.locks().setWorld(false);
  });
  if (!finished.empty()) settle();
}

void SlotSweeper::abandon() {
  batches_.clear();
  sweeping_.clear();
  engine_.removeDuty(this);
}

bool SlotSweeper::step(engine::Worker& worker) {
  if (pending_.load() == 0) return false;
  Clock& clock = engine_.system().clock;
  const MonoUs deadline = clock.mono() + kStepUs;
  const size_t workers = engine_.workerCount();
  bool more = false;
  int pieces = kPiecesPerStep;
  for (size_t shard = worker.number(); shard < engine_.keyspace().shardCount(); shard += workers) {
    while (walks_[shard].pending.load()) {
      if (pieces-- <= 0 || clock.mono() >= deadline) return true;
      if (!stepShard(worker, shard)) break;
      more = more || walks_[shard].pending.load();
    }
    more = more || walks_[shard].pending.load();  // it was busy
  }
  return more;
}

// True: there is more of it, and it is free.
bool SlotSweeper::stepShard(engine::Worker& worker, size_t shard) {
  bool more = false;
  worker.withShardNow(shard, [&](engine::Execution& execution) {
    Walk& walk = walks_[shard];
    if (!walk.pending.load()) return;
    std::vector<std::string> keys;
    const int db = static_cast<int>(walk.db);
    const keyspace::Table* table = engine_.keyspace().shard(shard).table(db);
    for (int i = 0; i < kRegionsPerPiece && table != nullptr; ++i) {
      walk.cursor = table->scan(walk.cursor, [&](const keyspace::Entry& entry) {
        if (sweeping_.test(keySlot(entry.key()))) keys.emplace_back(entry.key());
      });
      if (walk.cursor == 0) break;
    }
    execution.dropKeys(db, keys, worker.now());
    if (table == nullptr || walk.cursor == 0) ++walk.db;
    more = walk.db < engine_.keyspace().databaseCount();
    if (more) return;
    walk.pending.store(false);
    if (pending_.fetch_sub(1) == 1) inWorld_([self = shared_from_this()] { self->settle(); });
  });
  return more;
}

bool SlotSweeper::empty(const SlotSet& slots) const {
  bool all = true;
  slots.forEach([&](uint16_t slot) { all = all && engine_.keyspace().keysInSlot(slot) == 0; });
  return all;
}

// World held. What has no keys any more is done with; what still has some is walked again.
void SlotSweeper::settle() {
  std::vector<Batch> batches = std::exchange(batches_, {});
  for (Batch& batch : batches) {
    if (!empty(batch.slots)) {
      begin(batch.slots, std::move(batch.done));
      continue;
    }
    sweeping_.remove(batch.slots);
    engine_.keyspace().hiddenSlots().remove(batch.slots);
    if (batch.done) batch.done();
  }
  if (batches_.empty()) engine_.removeDuty(this);
}

}  // namespace vigil::drivers
