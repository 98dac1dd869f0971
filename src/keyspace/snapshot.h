// The keyspace as of one moment, read while writers go on. See DESIGN: "Snapshots without fork".
//
// begin (world held) -> each shard walked in steps (shard held), while changes to buckets not yet walked hand them over
// first -> done when every shard's walk has ended. It is bound to the tables as of its beginning: SWAPDB and FLUSHALL
// detach tables and the walk goes on over the detached ones.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/slot_set.h"
#include "keyspace/table.h"

namespace vigil::keyspace {

class Keyspace;

// Receives the entries. Calls for one shard come one at a time, under that shard's lock; different shards call
// concurrently.
class SnapshotSink {
 public:
  virtual ~SnapshotSink() = default;
  // Encode or reference what is needed now; the entry may change or go as soon as this returns. Entries that have
  // expired but are still there are given too.
  virtual void take(size_t shard, int db, const Entry& entry) = 0;
  // No more entries of this shard will come.
  virtual void shardDone(size_t shard) = 0;
  // Whether walking may go on: false while too much waits to be written. (Changes still hand buckets over.)
  virtual bool ready() const { return true; }
};

class Snapshot {
 public:
  ~Snapshot();  // cancels, if not done. The world must be held, or no shard has a table of it any more.
  uint32_t epoch() const { return epoch_; }
  size_t keyCount() const { return keyCount_; }  // entries as of the beginning, for progress and RESIZEDB
  struct DatabaseSize {
    int db;
    size_t keys;
    size_t withExpiry;
  };
  const std::vector<DatabaseSize>& databases() const { return databases_; }

  // Walks a piece of this shard (about `buckets` buckets, fewer where the sink is not ready). The shard's lock is held.
  // True if the shard is done. Each shard needs at least one call.
  bool step(size_t shard, size_t buckets);
  bool shardDone(size_t shard) const { return walks_[shard].done; }  // the shard's lock is held
  // Any thread.
  bool done() const { return shardsLeft_.load(std::memory_order_acquire) == 0; }

 private:
  friend class Keyspace;
  friend class Shard;
  struct BoundTable {
    std::shared_ptr<Table> table;
    int db;  // as of the beginning
  };
  struct ShardWalk {
    std::vector<BoundTable> tables;
    size_t table = 0;     // being walked
    uint64_t cursor = 0;  // in it
    bool done = false;
  };
  Snapshot(Keyspace& keyspace, SnapshotSink& sink, uint32_t epoch);
  // Gives the sink all entries of a bucket, if its table is one of ours.
  void takeBucket(size_t shard, const Table& table, const Bucket& bucket);
  void unbind(size_t shard);

  Keyspace& keyspace_;
  SnapshotSink& sink_;
  const uint32_t epoch_;
  const SlotSet hidden_;  // slots whose keys are not part of it
  const bool anyHidden_;
  size_t keyCount_ = 0;
  std::vector<DatabaseSize> databases_;
  std::vector<ShardWalk> walks_;  // by shard, each under that shard's lock
  std::atomic<size_t> shardsLeft_;
};

}  // namespace vigil::keyspace
