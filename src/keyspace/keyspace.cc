#include "keyspace/keyspace.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "keyspace/expiry_index.h"

namespace vigil::keyspace {

Keyspace::Keyspace(const Options& options)
    : options_(options),
      environment_{.epoch = 1,
                   .hash = {options.hashSeed, options.hashMask, options.slots},
                   .reaper = options.reaper,
                   .lazyFreeing = options.lazyFreeing,
                   .shown = std::make_unique<std::atomic<Table*>[]>(options.databases * options.shards),
                   .retired = {}},
      access_(options.access) {
  assert(options.shards != 0 && options.shards <= kMaxShards && (options.shards & (options.shards - 1)) == 0);
  shards_.reserve(options.shards);
  for (size_t i = 0; i < options.shards; ++i) {
    shards_.push_back(std::make_unique<Shard>(i, options.databases, options.shards, environment_));
  }
}

Keyspace::~Keyspace() = default;

size_t Keyspace::sizeWithHidden(int db) const {
  size_t sum = 0;
  for (const auto& shard : shards_) sum += shard->size(db);
  return sum;
}

size_t Keyspace::size(int db) const {
  const size_t all = sizeWithHidden(db);
  if (!environment_.hidden.any()) [[likely]] return all;
  size_t hidden = 0;
  environment_.hidden.copy().forEach(
      [&](uint16_t slot) { hidden += shards_[shardNumberOfSlot(slot)]->keysInSlot(db, slot); });
  return all - std::min(all, hidden);
}

size_t Keyspace::withExpiry(int db) const {
  size_t sum = 0;
  for (const auto& shard : shards_) sum += shard->withExpiry(db);
  return sum;
}

UnixMs Keyspace::meanExpiry(int db) const {
  double sum = 0;
  double count = 0;
  for (const auto& shard : shards_) {
    const UnixMs mean = shard->meanExpiry(db);
    if (mean == 0) continue;
    const auto weight = static_cast<double>(shard->withExpiry(db));
    sum += weight * static_cast<double>(mean);
    count += weight;
  }
  return count == 0 ? 0 : static_cast<UnixMs>(sum / count);
}

std::vector<std::shared_ptr<Table>> Keyspace::detachAll(int db) {
  std::vector<std::shared_ptr<Table>> detached;
  wholesale_.fetch_add(1, std::memory_order_relaxed);
  const int databases = static_cast<int>(options_.databases);
  for (int i = db < 0 ? 0 : db; i < (db < 0 ? databases : db + 1); ++i) {
    for (const auto& shard : shards_) {
      if (auto table = shard->detach(i)) detached.push_back(std::move(table));
    }
  }
  return detached;
}

void Keyspace::swapDatabases(int a, int b) {
  for (const auto& shard : shards_) shard->swap(a, b);
}

std::vector<std::shared_ptr<Table>> Keyspace::replaceAll(Keyspace& loaded) {
  assert(loaded.shardCount() == shardCount() && loaded.databaseCount() == databaseCount());
  assert(loaded.options_.hashSeed == options_.hashSeed && loaded.options_.hashMask == options_.hashMask);
  assert(loaded.options_.slots == options_.slots);
  // No bucket may be newer than the epoch.
  environment_.epoch = std::max(environment_.epoch, loaded.environment_.epoch);
  std::vector<std::shared_ptr<Table>> old;
  wholesale_.fetch_add(1, std::memory_order_relaxed);
  environment_.hidden.clear();
  for (size_t i = 0; i < shards_.size(); ++i) {
    auto tables = shards_[i]->replaceAll(*loaded.shards_[i]);
    std::move(tables.begin(), tables.end(), std::back_inserter(old));
  }
  return old;
}

std::unique_ptr<Snapshot> Keyspace::beginSnapshot(SnapshotSink& sink) {
  ++environment_.epoch;
  return std::unique_ptr<Snapshot>(new Snapshot(*this, sink, environment_.epoch));
}

size_t Keyspace::tableMemory(int db) const {
  size_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard->tableMemory(db);
  return bytes;
}

size_t Keyspace::expiryMemory(int db) const {
  size_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard->expiryMemory(db);
  return bytes;
}

Keyspace::Statistics Keyspace::statistics() const {
  Statistics sum;
  for (const auto& shard : shards_) {
    sum.hits += shard->statistics.hits.get();
    sum.misses += shard->statistics.misses.get();
    sum.expired += shard->statistics.expired.get();
    sum.evicted += shard->statistics.evicted.get();
  }
  return sum;
}

}  // namespace vigil::keyspace
