// One shard of the keyspace: a lock, and what it guards: one table per numbered database, and the order in which
// their entries expire.
//
// Everything here is touched under the lock (or with the world held), but for the counters, which any thread may read.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/ports/clock.h"
#include "keyspace/counter.h"
#include "keyspace/key_hash.h"
#include "keyspace/retired_arrays.h"
#include "keyspace/shard_lock.h"
#include "keyspace/slot_bits.h"
#include "keyspace/slot_sizes.h"
#include "keyspace/table.h"
#include "keyspace/ttl_sample.h"

namespace vigil::keyspace {

class ExpiryIndex;
class ExpiryListener;
class Reaper;
struct LazyFreeing;
class Snapshot;

// What all shards of a keyspace go by; owned by the keyspace.
struct ShardEnvironment {
  uint32_t epoch = 1;  // of snapshots; changes with the world held
  KeyHash hash;
  Reaper* reaper = nullptr;  // null: everything is freed at once, by whoever drops it
  const LazyFreeing* lazyFreeing = nullptr;  // null: as by default
  // By database and shard: the table, as threads that prefetch see it. It can go only with the world held.
  std::unique_ptr<std::atomic<Table*>[]> shown;
  RetiredArrays retired;
  // Cluster mode. Keys of hidden slots are there for nobody but the commands that name them: no walk, count or snapshot
  // sees them (they are on their way here, or being deleted). Those of held slots are about to be another node's.
  SlotBits hidden = {};
  SlotBits held = {};
};

class alignas(64) Shard final : public Preserver {
 public:
  Shard(size_t number, size_t databases, size_t shards, ShardEnvironment& environment);
  ~Shard() override;

  ShardLock lock;

  // For INFO; reading needs no lock.
  struct Statistics {
    Counter hits;
    Counter misses;
    Counter expired;
    Counter evicted;
  };
  Statistics statistics;

  size_t number() const { return number_; }
  // nullptr where the database never had a key in this shard.
  Table* table(int db) const { return tables_[static_cast<size_t>(db)].get(); }
  Table& makeTable(int db) {
    Table* existing = table(db);
    return existing != nullptr ? *existing : createTable(db);
  }
  ExpiryIndex& expiry(int db);

  // --- Changes to a table's entries that the counters below must follow ---
  void insert(int db, Table& table, uint64_t hash, Entry* entry);
  Entry* replace(int db, Table& table, uint64_t hash, Table::Place place, Entry* entry);
  Entry* remove(int db, Table& table, uint64_t hash, Table::Place place);
  // Deletes an entry whose time has come; the listener (may be null) hears of it first.
  void expire(int db, Table& table, const KeyRef& key, Table::Place place, ExpiryListener* listener);
  // Deletes an entry to make room; returns how many bytes that freed, or will when the background comes to it.
  int64_t evict(int db, Table& table, uint64_t hash, Table::Place place, bool lazily);
  // Frees an entry that is in no table any more: in the background if that is work and `lazily`, or if it would keep
  // others waiting.
  void discard(Entry* entry, bool lazily) const;
  bool lazyServerDelete() const;  // lazyfree-lazy-server-del

  // Any thread: how many entries a database has here, and how many of them have a time to live.
  uint64_t size(int db) const { return sizes_[static_cast<size_t>(db)].entries.get(); }
  uint64_t withExpiry(int db) const { return sizes_[static_cast<size_t>(db)].withExpiry.get(); }
  // Whether what has this hash neither expires nor is evicted at the moment: its slot is hidden or held.
  bool atRest(uint64_t hash) const {
    if (!environment_.hidden.any() && !environment_.held.any()) [[likely]] return false;
    return environment_.hash.slots && slotAtRest(KeyHash::slotOf(hash));
  }
  bool anyAtRest() const;        // of this shard's slots
  uint64_t keysAtRest() const;  // in those
  // Any thread, in cluster mode: how many entries a slot has in all databases, of a shard's own slots.
  uint64_t keysInSlot(uint16_t slot) const { return slotSizes_.count(slot); }
  // And how many in one database.
  uint64_t keysInSlot(int db, uint16_t slot) const;
  // Visits entries of a slot until `visit` says false. The callback must not change the table.
  void eachInSlot(int db, uint16_t slot, const std::function<bool(const Entry&)>& visit) const;
  // Any thread: bytes of the database's table here and of its expiry index, as of the last upkeep.
  uint64_t tableMemory(int db) const { return sizes_[static_cast<size_t>(db)].tableBytes.get(); }
  uint64_t expiryMemory(int db) const { return sizes_[static_cast<size_t>(db)].expiryBytes.get(); }
  // When those expire on the mean, sampled; 0: not known yet.
  UnixMs meanExpiry(int db) const { return sizes_[static_cast<size_t>(db)].ttl.mean(); }

  // --- Upkeep, from the engine's cron with the lock held; each call is short ---
  // Deletes about `budget` entries whose time has come; returns how many it deleted. `more`: others are due.
  size_t expireSome(int db, UnixMs now, size_t budget, ExpiryListener& listener, bool& more);
  // Goes on with getting rid of what no longer holds in the order of expiry: deadlines change also where nothing
  // expires by itself (on a replica, in a pause).
  void compactExpiry(size_t buckets);
  // Goes on with resizing of tables, and tells what they take; true if there is more.
  bool rehashSome(size_t regions);
  // Looks at this many buckets of each table whose entries expire, for meanExpiry().
  void sampleTtl(size_t buckets);

  // --- Whole tables, with the world held ---
  // SWAPDB's part of this shard; the tables' snapshots go with them.
  void swap(int a, int b);
  // Takes the table of a database away and leaves none (FLUSHDB): nullptr if there was none.
  std::shared_ptr<Table> detach(int db);
  // Takes over all tables of another keyspace's shard, and gives the old ones back.
  std::vector<std::shared_ptr<Table>> replaceAll(Shard& loaded);
  void preserve(const Table& table, const Bucket& bucket) override;
  void retire(BucketArray array) override { environment_.retired.retire(std::move(array)); }

 private:
  friend class Keyspace;
  friend class Snapshot;

  bool slotAtRest(uint16_t slot) const { return environment_.hidden.test(slot) || environment_.held.test(slot); }

  struct Sizes {
    Counter entries;
    Counter withExpiry;
    Counter tableBytes;
    Counter expiryBytes;
    TtlSample ttl;
  };
  Table& createTable(int db);
  void countSlots();
  void countSlot(int db, uint64_t hash);
  void show(int db);
  void publish(int db);  // that another table is there, or none
  void publishMemory(int db);
  bool leftToReaper(const Entry& entry, bool lazily) const;
  void publishSize(int db, const Table& table) {
    Sizes& sizes = sizes_[static_cast<size_t>(db)];
    sizes.entries.set(table.size());
    sizes.withExpiry.set(table.withExpiry());
  }

  const size_t number_;
  const size_t shards_;
  ShardEnvironment& environment_;
  std::vector<std::shared_ptr<Table>> tables_;        // by database
  std::vector<std::unique_ptr<ExpiryIndex>> expiry_;  // by database; null while nothing expires
  std::vector<Sizes> sizes_;                          // by database; what the tables say, for other threads
  SlotSizes slotSizes_;                               // cluster mode: of all databases
  std::vector<SlotSizes> databaseSlots_;              // by database, if a cluster has several
  std::vector<Snapshot*> snapshots_;                  // running ones, oldest epoch first
};

}  // namespace vigil::keyspace
