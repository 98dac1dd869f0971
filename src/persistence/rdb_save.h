// Turns a snapshot into an RDB. On the data plane only the cheap part happens: small values are copied into a staging
// buffer of their shard, large ones referenced. Compression, the encoding of lists, checksum and output happen on a
// serial executor.
//
//   worker: take() -> staging of the shard --(full, or shard done)--> executor: RdbWriter -> RdbTarget
//
// Life: make it, begin() in the exclusive moment in which the snapshot begins, then the snapshot calls. `done` is
// called once, on the executor, after the target finished or was abandoned.
//
// Memory: what waits for the executor is counted. Over walkBytes the walk rests (ready()); over parkBytes, which only
// writers that run into unsaved buckets can reach, Flow::overBound tells the engine to park writers.
//
// Thread safe in the way of SnapshotSink; cancel() from any thread. Held by shared_ptr: work on the executor keeps it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/ports/clock.h"
#include "base/result.h"
#include "keyspace/access_clock.h"
#include "keyspace/snapshot.h"
#include "persistence/rdb_target.h"
#include "wire/rdb_writer.h"

namespace vigil {
class SerialExecutor;
}

namespace vigil::persistence {

// What stands in the file before the keys.
struct RdbHeader {
  std::vector<std::pair<std::string, std::string>> aux;
  std::vector<keyspace::Snapshot::DatabaseSize> databases;
};

// The aux fields that Redis writes, in its order. `replication` only where offsets are counted.
struct RdbHeaderFacts {
  std::string_view redisVersion{};
  int64_t created = 0;  // Unix seconds
  int64_t usedMemory = 0;
  bool replication = false;
  int streamDb = 0;
  std::string_view replicationId{};
  int64_t replicationOffset = 0;
  bool aofBase = false;
};
RdbHeader makeRdbHeader(const RdbHeaderFacts& facts);

// How a save speaks to those who feed it. Called from any thread, under no lock of the save but its own leaf lock.
struct RdbFlow {
  std::function<void()> drained = [] {};              // ready() is true again
  std::function<void(bool)> overBound = [](bool) {};  // writers should stop (true), may go on (false)
};

struct RdbSaveOptions {
  wire::RdbWriteOptions write{};
  keyspace::AccessPolicy access{};  // as LFU: how often keys are used is saved too
  UnixMs now = 0;
  bool withoutData = false;  // no keys, whatever the snapshot holds
  size_t walkBytes = size_t{4} << 20;
  size_t parkBytes = size_t{32} << 20;
};

class RdbSave final : public keyspace::SnapshotSink, public std::enable_shared_from_this<RdbSave> {
 public:
  using Done = std::move_only_function<void(Status)>;

  RdbSave(SerialExecutor& executor, std::unique_ptr<RdbTarget> target, size_t shards, const RdbSaveOptions& options,
          RdbFlow flow, Done done);
  ~RdbSave() override;

  void begin(RdbHeader header);
  // The snapshot is gone: no more calls of the sink come. The target is abandoned, `done` hears `why`. No effect after
  // the last shard was done.
  void cancel(std::string why);

  // --- keyspace::SnapshotSink ---
  void take(size_t shard, int db, const keyspace::Entry& entry) override;
  void shardDone(size_t shard) override;
  bool ready() const override;

  uint64_t keysTaken() const { return keysTaken_.load(std::memory_order_relaxed); }  // any thread

 private:
  struct Record;
  struct Staging;

  void handOver(Staging& staging);
  void finishLater();
  void encode(Staging& batch);
  void encodeRecord(const Staging& batch, const Record& record, const char* text);
  void flush(size_t atLeast);
  void fail(Error error);
  void end(Status status);
  void account(int64_t bytes);

  SerialExecutor& executor_;
  const RdbSaveOptions options_;
  const RdbFlow flow_;
  std::vector<Staging> staging_;  // by shard, each under that shard's lock
  std::atomic<size_t> shardsLeft_;
  std::atomic<bool> stopped_{false};  // failed or cancelled: what is taken is dropped
  std::atomic<bool> ending_{false};   // the end, or the cancellation, is on its way
  std::atomic<uint64_t> waiting_{0};  // bytes handed over and not yet written
  std::atomic<uint64_t> keysTaken_{0};
  mutable std::atomic<bool> resting_{false};  // somebody heard that we are not ready
  Mutex parkMutex_;
  bool parking_ GUARDED_BY(parkMutex_) = false;

  // The executor's.
  std::unique_ptr<RdbTarget> target_;
  Done done_;
  wire::RdbWriter writer_;
  int db_ = -1;
  bool failed_ = false;
};

}  // namespace vigil::persistence
