// Runs snapshots of the keyspace on the engine's workers: begins one in an exclusive moment, walks it in small steps
// between commands, ends it. Several may run at once.
//
//   RunningSnapshot::start() -> (world held) begin(): the snapshot exists, `begun` hears of the moment
//     -> every worker's step(): its share of the shards -> the sink's last shardDone()
//   cancel() -> (world held) the snapshot is gone, `cancelled` is called
//
// Each worker walks the shards number, number + workers, … A step takes some tens of microseconds; while a shard is
// busy or the sink is not ready, the worker does not wait.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/engine.h"
#include "keyspace/snapshot.h"
#include "oplog/log.h"

namespace vigil::drivers {

// The moment of which a snapshot holds the state.
struct SnapshotMoment {
  oplog::Offset offset = 0;  // of the log: what follows it is not in the snapshot
  oplog::History history;
  bool logActive = false;  // else the offset counts nothing
  int selectedDb = -1;     // of the log's stream, -1: none
  int64_t dirty = 0;       // changes ever made
  size_t keys = 0;
  std::vector<keyspace::Snapshot::DatabaseSize> databases;
};

class RunningSnapshot final : public engine::BackgroundDuty, public std::enable_shared_from_this<RunningSnapshot> {
 public:
  using Begun = std::move_only_function<void(const SnapshotMoment&)>;
  using Cancelled = std::move_only_function<void()>;

  // Any thread. `begun` is called in the exclusive moment, before the sink is; not at all if it is cancelled before.
  static std::shared_ptr<RunningSnapshot> start(engine::Engine& engine, std::shared_ptr<keyspace::SnapshotSink> sink,
                                                Begun begun);
  // The same with the world held by the caller, who may do more in the same moment (cut the log).
  static std::shared_ptr<RunningSnapshot> startHere(engine::Engine& engine,
                                                    std::shared_ptr<keyspace::SnapshotSink> sink, Begun begun);
  ~RunningSnapshot() override;

  // Any thread: takes the world and ends it. `cancelled` is called then; the sink gets no more calls.
  void cancel(Cancelled cancelled);
  // The same with the world held, or the workers stopped.
  void cancelHere();

  bool step(engine::Worker& worker) override;

 private:
  struct alignas(64) Share {  // the worker's alone
    std::vector<size_t> shards;  // not done
    size_t next = 0;             // in `shards`
  };
  RunningSnapshot(engine::Engine& engine, std::shared_ptr<keyspace::SnapshotSink> sink, Begun begun);
  void begin();
  bool stepShard(engine::Worker& worker, size_t shard, bool& shardDone);

  engine::Engine& engine_;
  const std::shared_ptr<keyspace::SnapshotSink> sink_;
  Begun begun_;
  // Both change with the world held, and are read inside it.
  std::unique_ptr<keyspace::Snapshot> snapshot_;
  bool cancelled_ = false;
  std::vector<Share> shares_;  // by worker
};

}  // namespace vigil::drivers
