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
  for (size_t worker = 0; worker < shares_.size(); ++worker) shares_[worker].shard = worker;
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
  begun_({.offset = log.end(),
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
  snapshot_.reset();
  engine_.removeDuty(this);
}

bool RunningSnapshot::step(engine::Worker& worker) {
  Share& share = shares_[worker.number()];
  const size_t shards = engine_.keyspace().shardCount();
  Clock& clock = engine_.system().clock;
  const MonoUs deadline = clock.mono() + kStepUs;
  for (int piece = 0; piece < kPiecesPerStep && share.shard < shards; ++piece) {
    if (!sink_->ready()) return false;  // it wakes the workers when it is
    bool shardDone = false;
    if (!stepShard(worker, share.shard, shardDone)) return true;
    if (shardDone) share.shard += shares_.size();
    if (clock.mono() >= deadline) break;
  }
  return share.shard < shards;
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
