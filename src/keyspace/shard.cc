#include "keyspace/shard.h"

#include <utility>

#include "base/memory.h"
#include "base/simulation.h"
#include "keyspace/expiry_index.h"
#include "keyspace/expiry_listener.h"
#include "keyspace/reaper.h"
#include "keyspace/snapshot.h"

namespace vigil::keyspace {

Shard::Shard(size_t number, size_t databases, size_t shards, ShardEnvironment& environment)
    : number_(number),
      shards_(shards),
      environment_(environment),
      tables_(databases),
      expiry_(databases),
      sizes_(databases),
      databaseSlots_(environment.hash.slots && databases > 1 ? databases : 0) {
  if (environment.hash.slots) slotSizes_.begin(kSlotCount / shards);
}

Shard::~Shard() = default;

Table& Shard::createTable(int db) {
  auto& table = tables_[static_cast<size_t>(db)];
  table = std::make_shared<Table>(environment_.epoch, *this, environment_.hash);
  show(db);
  return *table;
}

void Shard::show(int db) {
  environment_.shown[static_cast<size_t>(db) * shards_ + number_].store(table(db), std::memory_order_release);
}

ExpiryIndex& Shard::expiry(int db) {
  auto& index = expiry_[static_cast<size_t>(db)];
  if (index == nullptr) index = std::make_unique<ExpiryIndex>();
  return *index;
}

// --- Entries ---

void Shard::insert(int db, Table& table, uint64_t hash, Entry* entry) {
  table.insert(hash, entry);
  countSlot(db, hash);
  publishSize(db, table);
}

Entry* Shard::replace(int db, Table& table, uint64_t hash, Table::Place place, Entry* entry) {
  Entry* old = table.replace(hash, place, entry);
  publishSize(db, table);
  return old;
}

Entry* Shard::remove(int db, Table& table, uint64_t hash, Table::Place place) {
  Entry* entry = table.remove(hash, place);
  slotSizes_.remove(hash);
  if (!databaseSlots_.empty()) [[unlikely]] databaseSlots_[static_cast<size_t>(db)].remove(hash);
  publishSize(db, table);
  return entry;
}

void Shard::expire(int db, Table& table, const KeyRef& key, Table::Place place, ExpiryListener* listener) {
  if (listener != nullptr) listener->onExpired(db, key);
  statistics.expired.add();
  const LazyFreeing* lazy = environment_.lazyFreeing;
  discard(remove(db, table, key.hash, place), lazy != nullptr && lazy->expire.load(std::memory_order_relaxed));
}

bool Shard::lazyServerDelete() const {
  const LazyFreeing* lazy = environment_.lazyFreeing;
  return lazy != nullptr && lazy->serverDelete.load(std::memory_order_relaxed);
}

bool Shard::leftToReaper(const Entry& entry, bool lazily) const {
  constexpr size_t kCostly = 64;       // as Redis's LAZYFREE_THRESHOLD
  constexpr size_t kStalls = 1 << 13;  // near a millisecond
  const size_t effort = entry.freeingEffort();
  return effort > (lazily ? kCostly : kStalls) && environment_.reaper != nullptr;
}

int64_t Shard::evict(int db, Table& table, uint64_t hash, Table::Place place, bool lazily) {
  statistics.evicted.add();
  Entry* entry = remove(db, table, hash, place);
  if (leftToReaper(*entry, lazily)) {
    const auto bytes = static_cast<int64_t>(entry->memory());
    discard(entry, lazily);
    return bytes;
  }
  const int64_t before = threadMemory();
  Entry::free(entry);
  return before - threadMemory();
}

void Shard::discard(Entry* entry, bool lazily) const {
  if (leftToReaper(*entry, lazily)) {
    environment_.reaper->reap([entry] { Entry::free(entry); }, {.bytes = static_cast<int64_t>(entry->memory())});
  } else {
    Entry::free(entry);
  }
}

bool Shard::anyAtRest() const {
  if (!environment_.hidden.any() && !environment_.held.any()) [[likely]] return false;
  for (size_t slot = number_; environment_.hash.slots && slot < kSlotCount; slot += shards_) {
    if (slotAtRest(static_cast<uint16_t>(slot))) return true;
  }
  return false;
}

uint64_t Shard::keysAtRest() const {
  uint64_t sum = 0;
  for (size_t slot = number_; anyAtRest() && slot < kSlotCount; slot += shards_) {
    if (slotAtRest(static_cast<uint16_t>(slot))) sum += keysInSlot(static_cast<uint16_t>(slot));
  }
  return sum;
}

// --- Upkeep ---

size_t Shard::expireSome(int db, UnixMs now, size_t budget, ExpiryListener& listener, bool& more) {
  more = false;
  Table* entries = table(db);
  ExpiryIndex* index = expiry_[static_cast<size_t>(db)].get();
  if (entries == nullptr || index == nullptr) return 0;
  size_t deleted = 0;
  more = index->popDue(*entries, now, budget, [&](const Entry& entry) {
    const KeyRef key{entry.key(), entries->hashOf(entry.key())};
    expire(db, *entries, key, entries->find(key), &listener);
    ++deleted;
  });
  return deleted;
}

void Shard::compactExpiry(size_t buckets) {
  for (size_t db = 0; db < tables_.size(); ++db) {
    if (tables_[db] != nullptr && expiry_[db] != nullptr) expiry_[db]->compactStep(*tables_[db], buckets);
  }
}

bool Shard::rehashSome(size_t regions) {
  bool more = false;
  for (size_t db = 0; db < tables_.size(); ++db) {
    if (tables_[db] == nullptr) continue;
    if (tables_[db]->rehashStep(regions)) more = true;
    publishMemory(static_cast<int>(db));
  }
  return more;
}

void Shard::publishMemory(int db) {
  const auto at = static_cast<size_t>(db);
  sizes_[at].tableBytes.set(tables_[at] != nullptr ? tables_[at]->memory() : 0);
  sizes_[at].expiryBytes.set(expiry_[at] != nullptr ? expiry_[at]->memory() : 0);
}

void Shard::sampleTtl(size_t buckets) {
  for (size_t db = 0; db < tables_.size(); ++db) {
    if (tables_[db] == nullptr) {
      sizes_[db].ttl.clear();
    } else {
      sizes_[db].ttl.step(*tables_[db], buckets);
    }
  }
}

// --- Whole tables ---

void Shard::publish(int db) {
  show(db);
  if (const Table* present = table(db)) {
    publishSize(db, *present);
  } else {
    sizes_[static_cast<size_t>(db)].entries.set(0);
    sizes_[static_cast<size_t>(db)].withExpiry.set(0);
  }
  publishMemory(db);
}

void Shard::swap(int a, int b) {
  std::swap(tables_[static_cast<size_t>(a)], tables_[static_cast<size_t>(b)]);
  std::swap(expiry_[static_cast<size_t>(a)], expiry_[static_cast<size_t>(b)]);
  publish(a);
  publish(b);
  if (!databaseSlots_.empty()) countSlots();
}

std::shared_ptr<Table> Shard::detach(int db) {
  std::shared_ptr<Table> table = std::move(tables_[static_cast<size_t>(db)]);
  expiry_[static_cast<size_t>(db)] = nullptr;
  publish(db);
  countSlots();
  return table;
}

// After tables came or went as a whole.
void Shard::countSlots() {
  if (!slotSizes_.counts()) return;
  slotSizes_.clear();
  for (SlotSizes& sizes : databaseSlots_) sizes.clear();
  for (size_t db = 0; db < tables_.size(); ++db) {
    const auto& table = tables_[db];
    if (table == nullptr) continue;
    table->forEach([&](const Entry& entry) { countSlot(static_cast<int>(db), table->hashOf(entry.key())); });
  }
}

void Shard::countSlot(int db, uint64_t hash) {
  slotSizes_.add(hash);
  if (databaseSlots_.empty()) [[likely]] return;
  SlotSizes& sizes = databaseSlots_[static_cast<size_t>(db)];
  if (!sizes.counts()) sizes.begin(kSlotCount / shards_);  // most databases of a cluster stay empty
  sizes.add(hash);
}

uint64_t Shard::keysInSlot(int db, uint16_t slot) const {
  return databaseSlots_.empty() ? keysInSlot(slot) : databaseSlots_[static_cast<size_t>(db)].count(slot);
}

void Shard::eachInSlot(int db, uint16_t slot, const std::function<bool(const Entry&)>& visit) const {
  const Table* entries = table(db);
  if (entries == nullptr || keysInSlot(slot) == 0) return;
  bool more = true;
  for (uint64_t cursor = 0; more;) {
    cursor = entries->scan(cursor, [&](const Entry& entry) {
      if (more && KeyHash::slotOf(entries->hashOf(entry.key())) == slot) more = visit(entry);
    });
    if (cursor == 0) return;
  }
}

std::vector<std::shared_ptr<Table>> Shard::replaceAll(Shard& loaded) {
  std::vector<std::shared_ptr<Table>> old;
  for (size_t i = 0; i < tables_.size(); ++i) {
    if (tables_[i] != nullptr) old.push_back(std::move(tables_[i]));
    tables_[i] = std::move(loaded.tables_[i]);
    if (tables_[i] != nullptr) tables_[i]->rebind(environment_.epoch, *this);
    expiry_[i] = std::move(loaded.expiry_[i]);
    publish(static_cast<int>(i));
    loaded.publish(static_cast<int>(i));
  }
  slotSizes_.takeOver(loaded.slotSizes_);
  for (size_t db = 0; db < databaseSlots_.size(); ++db) databaseSlots_[db].takeOver(loaded.databaseSlots_[db]);
  return old;
}

void Shard::preserve(const Table& table, const Bucket& bucket) {
  for (Snapshot* snapshot : snapshots_) {
    if (snapshot->epoch() > bucket.version && !planted(PlantedBug::kSnapshotForgetsBucket)) snapshot->takeBucket(number_, table, bucket);
  }
}

}  // namespace vigil::keyspace
