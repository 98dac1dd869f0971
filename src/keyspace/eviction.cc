#include "keyspace/eviction.h"

#include <algorithm>

#include "keyspace/entry.h"
#include "keyspace/table.h"

namespace vigil::keyspace {

namespace {

// Buckets that one sample looks at for entries with a time to live: some microseconds.
constexpr size_t kMostBuckets = 256;
// Of so many entries a random one is taken, so that where they stand in their buckets does not matter much.
constexpr size_t kRandomFrom = 8;

uint64_t mix(uint64_t value) {
  value ^= value >> 31;
  value *= 0x9e3779b97f4a7c15;
  return value ^ value >> 29;
}

}  // namespace

uint64_t evictionScore(EvictionPolicy policy, const AccessPolicy& access, const Entry& entry, UnixMs now) {
  switch (policy) {
    case EvictionPolicy::kVolatileTtl:
      return UINT64_MAX - static_cast<uint64_t>(entry.expireAt());
    case EvictionPolicy::kVolatileLfu:
    case EvictionPolicy::kAllkeysLfu:
      return 256u * kFractions - lfuDecayFractions(entry.access(), now, access.lfuDecayMinutes);
    default:
      // By the time of its last use instead of by the age, so that scores of different times can be compared.
      return UINT64_MAX - (static_cast<uint64_t>(now) * kFractions / 1000 - lruIdleFractions(entry.access(), now));
  }
}

void EvictionPool::add(const EvictionCandidate& candidate) {
  for (size_t i = 0; i < size_; ++i) {
    if (candidates_[i].hash != candidate.hash || candidates_[i].db != candidate.db) continue;
    std::copy(candidates_.begin() + static_cast<ptrdiff_t>(i) + 1, candidates_.begin() + static_cast<ptrdiff_t>(size_),
              candidates_.begin() + static_cast<ptrdiff_t>(i));
    --size_;
    break;
  }
  if (size_ == kSize) {
    if (candidate.score <= candidates_[0].score) return;
    std::copy(candidates_.begin() + 1, candidates_.end(), candidates_.begin());
    --size_;
  }
  size_t at = size_++;
  for (; at > 0 && candidates_[at - 1].score > candidate.score; --at) candidates_[at] = candidates_[at - 1];
  candidates_[at] = candidate;
}

std::optional<EvictionCandidate> EvictionPool::takeBest() {
  if (size_ == 0) return std::nullopt;
  return candidates_[--size_];
}

uint64_t evictable(const Shard& shard, size_t databases, EvictionPolicy policy) {
  if (policy == EvictionPolicy::kNoEviction) return 0;
  uint64_t sum = 0;
  uint64_t all = 0;
  for (size_t db = 0; db < databases; ++db) {
    const int number = static_cast<int>(db);
    all += shard.size(number);
    sum += isVolatile(policy) ? shard.withExpiry(number) : shard.size(number);
  }
  // Where nothing but what is at rest is left, that must be seen.
  return shard.anyAtRest() && all <= shard.keysAtRest() ? 0 : sum;
}

void sampleShard(const Shard& shard, size_t databases, const EvictionSampling& how, uint64_t random,
                 EvictionPool& pool) {
  const size_t most = std::max(kMostBuckets, how.samples);
  for (size_t db = 0; db < databases; ++db) {
    const Table* table = shard.table(static_cast<int>(db));
    if (table == nullptr || table->size() == 0) continue;
    random = mix(random);
    table->sample(random, how.samples, most, isVolatile(how.policy), [&](const Entry& entry) {
      if (shard.atRest(table->hashOf(entry.key()))) return;
      const uint64_t score = evictionScore(how.policy, how.access, entry, how.now);
      if (pool.wants(score)) pool.add({score, table->hashOf(entry.key()), static_cast<int>(db)});
    });
  }
}

std::optional<EvictionCandidate> randomVictim(const Shard& shard, size_t databases, EvictionPolicy policy,
                                              uint64_t random) {
  const uint64_t all = evictable(shard, databases, policy);
  if (all == 0) return std::nullopt;
  // A database in proportion to what it holds.
  uint64_t position = mix(random) % all;
  int db = 0;
  for (;; ++db) {
    const uint64_t here = isVolatile(policy) ? shard.withExpiry(db) : shard.size(db);
    if (position < here) break;
    position -= here;
  }
  const Table* table = shard.table(db);
  std::optional<EvictionCandidate> chosen;
  uint64_t seen = 0;
  const Entry* victim = nullptr;
  table->sample(random, kRandomFrom, kMostBuckets, isVolatile(policy), [&](const Entry& entry) {
    random = mix(random + 1);
    if (shard.atRest(table->hashOf(entry.key()))) return;
    if (random % ++seen == 0) victim = &entry;
  });
  if (victim != nullptr) chosen = {.score = 0, .hash = table->hashOf(victim->key()), .db = db};
  return chosen;
}

}  // namespace vigil::keyspace
