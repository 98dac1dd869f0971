// All keys of a node: a fixed power of two of shards. A key's shard comes from its hash.
//
//   hash: | 63..49 slot tag | 48..40 shard | … | low bits: bucket |     (in cluster mode see key_hash.h)
//
// Locking: a shard's tables are touched under that shard's lock; what the comments below call "world held" needs that
// no worker is inside the keyspace at all (the engine's world lock).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "keyspace/access_clock.h"
#include "keyspace/reaper.h"
#include "keyspace/shard.h"
#include "keyspace/snapshot.h"

namespace vigil::keyspace {

class Keyspace {
 public:
  struct Options {
    size_t shards = 64;  // a power of two, at most kMaxShards
    size_t databases = 16;
    uint64_t hashSeed = 0;
    uint64_t hashMask = ~uint64_t{0};  // fewer bits only in tests of collisions
    bool slots = false;                // cluster mode: a key's shard comes from its hash slot
    Reaper* reaper = nullptr;          // null: everything is freed where it is dropped
    const LazyFreeing* lazyFreeing = nullptr;  // null: as by default
    AccessPolicy access = {};
  };
  explicit Keyspace(const Options& options);
  ~Keyspace();

  static constexpr size_t kMaxShards = 512;
  size_t shardCount() const { return shards_.size(); }
  size_t databaseCount() const { return options_.databases; }
  const Options& options() const { return options_; }  // of a second keyspace, to be taken over by replaceAll()
  Reaper* reaper() const { return options_.reaper; }  // may be null: free in place
  Shard& shard(size_t number) const { return *shards_[number]; }

  uint64_t hashOf(std::string_view key) const { return environment_.hash(key); }
  KeyRef ref(std::string_view key) const { return {key, hashOf(key)}; }
  size_t shardNumberOf(uint64_t hash) const { return (hash >> kShardShift) & (shards_.size() - 1); }
  Shard& shardOf(uint64_t hash) const { return *shards_[shardNumberOf(hash)]; }

  // --- Cluster mode ---
  bool hasSlots() const { return options_.slots; }
  size_t shardNumberOfSlot(uint16_t slot) const { return slot & (shards_.size() - 1); }
  bool hasOneDatabaseOfACluster() const { return options_.slots && options_.databases == 1; }  // what else Redis calls one
  // Any thread: how many keys a slot has in all databases, those included whose time has come.
  uint64_t keysInSlot(uint16_t slot) const { return shards_[shardNumberOfSlot(slot)]->keysInSlot(slot); }
  // See ShardEnvironment. Any thread looks; they change with the world held.
  SlotBits& hiddenSlots() { return environment_.hidden; }
  const SlotBits& hiddenSlots() const { return environment_.hidden; }
  SlotBits& heldSlots() { return environment_.held; }
  // The same for a key, by its name.
  bool hidden(std::string_view key) const { return environment_.hidden.any() && environment_.hidden.test(keySlot(key)); }
  // How often keys have gone other than one by one (FLUSHALL, a full resync). Any thread; only grows.
  uint64_t wholesale() const { return wholesale_.load(std::memory_order_relaxed); }

  // The two passes of a batch, for each of its keys: first the buckets, then the entries. No lock is needed, but the
  // world must be kept from being held exclusively, and where other threads may change tables both passes must lie
  // between enter() and leave() of prefetching().
  void prefetchBucket(int db, uint64_t hash) const {
    if (const Table* table = shownTable(db, hash)) table->prefetchBucket(hash);
  }
  void prefetchEntry(int db, uint64_t hash) const {
    if (const Table* table = shownTable(db, hash)) table->prefetchEntry(hash);
  }
  RetiredArrays& prefetching() { return environment_.retired; }

  // The shard in which SCAN's cursor stands; any number is a valid cursor.
  size_t scanShard(uint64_t cursor) const { return cursor & (kMaxShards - 1) & (shards_.size() - 1); }

  // Sums over shards; exact with the world held, else as of no single moment. Safe to call from any thread.
  size_t size(int db) const;  // without keys of hidden slots
  size_t sizeWithHidden(int db) const;
  size_t withExpiry(int db) const;
  UnixMs meanExpiry(int db) const;  // of those, sampled; 0: none, or not known yet

  // World held: detaches all tables of `db` (-1: of all) and returns them, to be freed wherever it suits.
  std::vector<std::shared_ptr<Table>> detachAll(int db);
  void swapDatabases(int a, int b);  // world held
  // World held: takes over all tables of a keyspace with the same options (a finished full resync or reload), and
  // returns the old ones.
  std::vector<std::shared_ptr<Table>> replaceAll(Keyspace& loaded);

  // World held: raises the epoch and binds to all tables. `sink` must outlive the snapshot.
  std::unique_ptr<Snapshot> beginSnapshot(SnapshotSink& sink);

  // Sums over shards of what tables and expiry indexes take, without entries, as of the last upkeep. Any thread.
  size_t tableMemory(int db) const;
  size_t expiryMemory(int db) const;

  // --- Any thread ---
  struct Statistics {
    uint64_t hits = 0;
    uint64_t misses = 0;
    uint64_t expired = 0;
    uint64_t evicted = 0;
  };
  Statistics statistics() const;  // since the start; CONFIG RESETSTAT remembers what to subtract
  // By what entries note their use. A change leaves old notes as they are, as in Redis.
  AccessPolicy accessPolicy() const { return access_.load(std::memory_order_relaxed); }
  void setAccessPolicy(AccessPolicy policy) { access_.store(policy, std::memory_order_relaxed); }

 private:
  friend class Snapshot;
  static constexpr int kShardShift = KeyHash::kLowShift;
  static_assert(kMaxShards == 1 << KeyHash::kLowBits);
  const Table* shownTable(int db, uint64_t hash) const {
    const size_t at = static_cast<size_t>(db) * shards_.size() + shardNumberOf(hash);
    return environment_.shown[at].load(std::memory_order_acquire);
  }
  Options options_;
  ShardEnvironment environment_;
  std::atomic<uint64_t> wholesale_{0};
  std::atomic<AccessPolicy> access_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace vigil::keyspace
