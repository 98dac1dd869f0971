#include "keyspace/snapshot.h"

#include <utility>

#include "keyspace/keyspace.h"
#include "keyspace/reaper.h"

namespace vigil::keyspace {

Snapshot::Snapshot(Keyspace& keyspace, SnapshotSink& sink, uint32_t epoch)
    : keyspace_(keyspace),
      sink_(sink),
      epoch_(epoch),
      hidden_(keyspace.hiddenSlots().copy()),
      anyHidden_(keyspace.hiddenSlots().any()),
      walks_(keyspace.shardCount()),
      shardsLeft_(walks_.size()) {
  for (int db = 0; db < static_cast<int>(keyspace.databaseCount()); ++db) {
    const DatabaseSize size{db, keyspace.size(db), keyspace.withExpiry(db)};
    if (size.keys != 0) databases_.push_back(size);
    keyCount_ += size.keys;
  }
  for (size_t number = 0; number < walks_.size(); ++number) {
    Shard& shard = keyspace.shard(number);
    for (size_t db = 0; db < shard.tables_.size(); ++db) {
      if (shard.tables_[db] != nullptr) walks_[number].tables.push_back({shard.tables_[db], static_cast<int>(db)});
    }
    shard.snapshots_.push_back(this);
  }
}

Snapshot::~Snapshot() {
  for (size_t shard = 0; shard < walks_.size(); ++shard) {
    if (!walks_[shard].done) unbind(shard);
  }
}

bool Snapshot::step(size_t shard, size_t buckets) {
  ShardWalk& walk = walks_[shard];
  if (walk.done) return true;
  while (walk.table < walk.tables.size()) {
    do {
      if (buckets == 0 || !sink_.ready()) return false;
      --buckets;
      walk.cursor = walk.tables[walk.table].table->preserveStep(walk.cursor);
    } while (walk.cursor != 0);
    ++walk.table;
  }
  unbind(shard);
  walk.done = true;
  sink_.shardDone(shard);
  shardsLeft_.fetch_sub(1, std::memory_order_acq_rel);
  return true;
}

void Snapshot::takeBucket(size_t shard, const Table& table, const Bucket& bucket) {
  for (const BoundTable& bound : walks_[shard].tables) {
    if (bound.table.get() != &table) continue;
    table.eachEntry(bucket, [&](const Entry& entry) {
      if (!anyHidden_ || !hidden_.test(keySlot(entry.key()))) sink_.take(shard, bound.db, entry);
    });
    return;
  }
}

void Snapshot::unbind(size_t shard) {
  std::erase(keyspace_.shard(shard).snapshots_, this);
  std::vector<std::shared_ptr<Table>> tables;
  for (BoundTable& bound : walks_[shard].tables) tables.push_back(std::move(bound.table));
  walks_[shard].tables.clear();
  // Detached tables go with us: not here, where workers wait.
  if (Reaper* reaper = keyspace_.options_.reaper) reapTables(*reaper, std::move(tables));
}

}  // namespace vigil::keyspace
