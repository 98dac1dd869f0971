// One shard of the keyspace: a lock, and what it guards: one table per numbered database, and the order in which
// their entries expire.
#pragma once

#include <memory>
#include <vector>

#include "base/ports/clock.h"
#include "keyspace/shard_lock.h"
#include "keyspace/table.h"

namespace vigil::keyspace {

class ExpiryIndex;
class Snapshot;

class Shard final : public Preserver {
 public:
  Shard(size_t number, size_t databases, const uint32_t& epoch, uint64_t hashSeed);
  ~Shard() override;

  ShardLock lock;

  size_t number() const { return number_; }
  // nullptr where the database never had a key in this shard.
  Table* table(int db) const { return tables_[static_cast<size_t>(db)].get(); }
  Table& makeTable(int db);
  ExpiryIndex& expiry(int db);

  // SWAPDB's part of this shard; the tables' snapshots go with them.
  void swap(int a, int b);
  // Takes the table of a database away and leaves none (FLUSHDB): nullptr if there was none.
  std::shared_ptr<Table> detach(int db);
  // Puts tables loaded beside the old ones in place, and gives the old ones back.
  std::vector<std::shared_ptr<Table>> replaceAll(Shard& loaded);

  void preserve(const Table& table, const Bucket& bucket) override;

 private:
  friend class Keyspace;
  friend class Snapshot;

  size_t number_;
  const uint32_t& epoch_;
  uint64_t hashSeed_;
  std::vector<std::shared_ptr<Table>> tables_;                // by database
  std::vector<std::unique_ptr<ExpiryIndex>> expiry_;          // by database
  std::vector<Snapshot*> snapshots_;                          // running ones, oldest epoch first
};

}  // namespace vigil::keyspace
