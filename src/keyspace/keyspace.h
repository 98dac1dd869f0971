// All keys of a node: a fixed power of two of shards. A key's shard comes from its hash.
//
//   hash: | 63..49 slot tag | 48..40 shard | … | low bits: bucket |
//
// Locking: a shard's tables are touched under that shard's lock; what the comments below call "world held" needs that
// no worker is inside the keyspace at all (the engine's world lock).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "keyspace/shard.h"
#include "keyspace/snapshot.h"

namespace vigil::keyspace {

class Keyspace {
 public:
  struct Options {
    size_t shards = 64;  // a power of two, at most 512
    size_t databases = 16;
    uint64_t hashSeed = 0;
  };
  explicit Keyspace(const Options& options);
  ~Keyspace();

  size_t shardCount() const { return shards_.size(); }
  size_t databaseCount() const { return options_.databases; }
  Shard& shard(size_t number) const { return *shards_[number]; }

  uint64_t hashOf(std::string_view key) const;
  KeyRef ref(std::string_view key) const { return {key, hashOf(key)}; }
  size_t shardNumberOf(uint64_t hash) const { return (hash >> kShardShift) & (shards_.size() - 1); }
  Shard& shardOf(uint64_t hash) const { return *shards_[shardNumberOf(hash)]; }

  // Sums over shards; exact with the world held, else as of no single moment. Safe to call from any thread.
  size_t size(int db) const;
  size_t withExpiry(int db) const;

  // World held: detaches all tables of `db` (-1: of all) and returns them, to be freed wherever it suits.
  std::vector<std::shared_ptr<Table>> detachAll(int db);
  void swapDatabases(int a, int b);  // world held
  // World held: takes over all tables of a keyspace with the same options (a finished full resync or reload), and
  // returns the old ones.
  std::vector<std::shared_ptr<Table>> replaceAll(Keyspace& loaded);

  // World held: raises the epoch and binds to all tables. `sink` must outlive the snapshot.
  std::unique_ptr<Snapshot> beginSnapshot(SnapshotSink& sink);

  size_t tableMemory() const;  // world held: of buckets and expiry indexes

 private:
  friend class Snapshot;
  static constexpr int kShardShift = 40;
  Options options_;
  uint32_t epoch_ = 1;
  std::vector<std::unique_ptr<Shard>> shards_;
};

// Frees entries and tables away from the data plane; what `lazily` and detach leave behind goes here.
class Reaper {
 public:
  virtual ~Reaper() = default;
  virtual void reap(std::move_only_function<void()> freeing) = 0;
};

}  // namespace vigil::keyspace
