// Which entry goes when memory is short: the policies, how good a victim an entry is, and a pool of the best victims
// that sampling has met.
//
// Not thread safe: a pool belongs to one worker. The pool names its candidates by hash, not by address: they may have
// changed or gone when their turn comes, so whoever takes one asks evictionScore() again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ports/clock.h"
#include "keyspace/access_clock.h"
#include "keyspace/shard.h"

namespace vigil::keyspace {

class Entry;

// In the order in which Redis lists them.
enum class EvictionPolicy : uint8_t {
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
  kAllkeysLru,
  kAllkeysLfu,
  kAllkeysRandom,
  kNoEviction,
};

inline constexpr std::string_view kEvictionPolicyNames[] = {"volatile-lru",   "volatile-lfu", "volatile-random",
                                                            "volatile-ttl",   "allkeys-lru",  "allkeys-lfu",
                                                            "allkeys-random", "noeviction"};
inline std::string_view evictionPolicyName(EvictionPolicy policy) {
  return kEvictionPolicyNames[static_cast<size_t>(policy)];
}

// Whether only entries with a time to live may go.
inline bool isVolatile(EvictionPolicy policy) { return policy <= EvictionPolicy::kVolatileTtl; }
inline bool isRandom(EvictionPolicy policy) {
  return policy == EvictionPolicy::kVolatileRandom || policy == EvictionPolicy::kAllkeysRandom;
}
inline bool isLfu(EvictionPolicy policy) {
  return policy == EvictionPolicy::kVolatileLfu || policy == EvictionPolicy::kAllkeysLfu;
}

// The higher, the sooner an entry should go; comparable within one policy, whenever they were taken. While an entry is
// not used, its score does not fall.
uint64_t evictionScore(EvictionPolicy policy, const AccessPolicy& access, const Entry& entry, UnixMs now);

struct EvictionCandidate {
  uint64_t score = 0;
  uint64_t hash = 0;
  int db = 0;
};

// The best victims that were met, a few of them. With every sample the pool gets closer to what a full order would
// give.
class EvictionPool {
 public:
  static constexpr size_t kSize = 16;

  // Takes it in unless it is worse than all in a full pool; a candidate that is there already gets the new score.
  void add(const EvictionCandidate& candidate);
  bool wants(uint64_t score) const { return size_ < kSize || score > candidates_[0].score; }
  std::optional<EvictionCandidate> takeBest();
  size_t size() const { return size_; }
  void clear() { size_ = 0; }

 private:
  std::array<EvictionCandidate, kSize> candidates_;  // by score, growing
  size_t size_ = 0;
};

// How to look for victims in one shard.
struct EvictionSampling {
  EvictionPolicy policy = EvictionPolicy::kNoEviction;
  AccessPolicy access = {};
  size_t samples = 5;  // of each database
  UnixMs now = 0;
};

// How many entries the policy may evict from this shard. Any thread.
uint64_t evictable(const Shard& shard, size_t databases, EvictionPolicy policy);

// Offers a sample of every database in the shard (locked) to the pool. `random`: uniformly distributed.
void sampleShard(const Shard& shard, size_t databases, const EvictionSampling& how, uint64_t random,
                 EvictionPool& pool);

// Some entry of the shard (locked) that the policy may evict, whatever its use: its database and hash. None if the
// part of the tables that was looked at holds none.
std::optional<EvictionCandidate> randomVictim(const Shard& shard, size_t databases, EvictionPolicy policy,
                                              uint64_t random);

}  // namespace vigil::keyspace
