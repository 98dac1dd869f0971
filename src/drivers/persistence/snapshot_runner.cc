#include "drivers/persistence/snapshot_runner.h"

#include <utility>

#include "base/ports/clock.h"
#include "engine/worker.h"

namespace vigil::drivers {

namespace {

constexpr MonoUs kStepUs = 40;
constexpr int kPiecesPerStep = 64;      // where the clock stands still
constexpr size_t kBucketsPerPiece = 8;  // some microseconds under one shard's lock

}  // namespace

RunningSnapshot::RunningSnapshot(engine::Engine& engine, std::shared_ptr<keyspace::SnapshotSink> sink, Begun begun)
    : engine_(engine), sink_(std::move(sink)), begun_(std::move(begun)), shares_(engine.workerCount()) {
  for (size_t shard = 0; shard < engine.keyspace().shardCount(); ++shard) {
    shares_[shard % shares_.size()].shards.push_back(shard);
  }
}

RunningSnapshot::~RunningSnapshot() = default;

std::shared_ptr<RunningSnapshot> RunningSnapshot::start(engine::Engine& engine,
                                                        std::shared_ptr<keyspace::SnapshotSink> sink, Begun begun) {
  std::shared_ptr<RunningSnapshot> running(new RunningSnapshot(engine, std::move(sink), std::move(begun)));
  engine.withWorld([running] { running->begin(); });
  return running;
}

std::shared_ptr<RunningSnapshot> RunningSnapshot::startHere(engine::Engine& engine,
                                                            std::shared_ptr<keyspace::SnapshotSink> sink, Begun begun) {
  std::shared_ptr<RunningSnapshot> running(new RunningSnapshot(engine, std::move(sink), std::move(begun)));
  running->begin();
  return running;
}

void RunningSnapshot::begin() {
  if (cancelled_) return;
  snapshot_ = engine_.keyspace().beginSnapshot(*sink_);
  oplog::Log& log = engine_.log();
  // Once, and whoever it belongs to may own us: it must not be kept.
  Begun begun = std::exchange(begun_, nullptr);
  begun({.offset = log.end(),
         .history = log.history(),
         .logActive = log.active(),
         .selectedDb = log.selectedDb(),
         .dirty = engine_.dirty(),
         .keys = snapshot_->keyCount(),
         .databases = snapshot_->databases()});
  engine_.addDuty(shared_from_this());
}

void RunningSnapshot::cancel(Cancelled cancelled) {
  engine_.withWorld([self = shared_from_this(), cancelled = std::move(cancelled)]() mutable {
    self->cancelHere();
    cancelled();
  });
}

void RunningSnapshot::cancelHere() {
  cancelled_ = true;
  begun_ = nullptr;
  snapshot_.reset();
  engine_.removeDuty(this);
}

bool RunningSnapshot::step(engine::Worker& worker) {
  Share& share = shares_[worker.number()];
  Clock& clock = engine_.system().clock;
  const MonoUs deadline = clock.mono() + kStepUs;
  for (int piece = 0; piece < kPiecesPerStep && !share.shards.empty(); ++piece) {
    if (!sink_->ready()) return false;  // it wakes the workers when it is
    if (share.next >= share.shards.size()) share.next = 0;
    bool shardDone = false;
    const bool locked = stepShard(worker, share.shards[share.next], shardDone);
    if (shardDone) {
      share.shards.erase(share.shards.begin() + static_cast<ptrdiff_t>(share.next));
    } else {
      ++share.next;
    }
    if (!locked || clock.mono() >= deadline) break;
  }
  return !share.shards.empty();
}

// False if the shard is busy.
bool RunningSnapshot::stepShard(engine::Worker& worker, size_t shard, bool& shardDone) {
  bool allDone = false;
  auto walk = [&](engine::Execution&) {
    shardDone = snapshot_ == nullptr || snapshot_->step(shard, kBucketsPerPiece);
    allDone = snapshot_ != nullptr && shardDone && snapshot_->done();
  };
  const bool locked = worker.withShardNow(shard, std::ref(walk));
  if (allDone) engine_.removeDuty(this);
  return locked;
}

}  // namespace vigil::drivers
