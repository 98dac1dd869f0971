// The 24 bits of an entry that say when or how often it was used, by Redis's rules, so that OBJECT IDLETIME, OBJECT
// FREQ and eviction mean the same.
//
//   LRU: | seconds of Unix time, modulo 2^24                |
//   LFU: | minutes of Unix time, modulo 2^16 | counter 0-255 |   the counter grows logarithmically and decays with time
//
// Pure functions.
#pragma once

#include <cstdint>

#include "base/ports/clock.h"

namespace vigil::keyspace {

// Small enough for one atomic word: CONFIG SET changes it while workers run.
struct alignas(8) AccessPolicy {
  uint32_t lfu : 1 = 0;
  uint32_t lfuLogFactor : 31 = 10;  // lfu-log-factor
  uint32_t lfuDecayMinutes = 1;     // lfu-decay-time; 0: no decay
};
static_assert(sizeof(AccessPolicy) == 8);

inline constexpr uint8_t kLfuInitial = 5;  // the counter of a new entry, so that it is not evicted at once

inline uint32_t lruClock(UnixMs now) { return static_cast<uint32_t>(now / 1000) & 0xffffff; }
inline uint32_t lruIdleSeconds(uint32_t access, UnixMs now) { return (lruClock(now) - access) & 0xffffff; }

inline uint32_t lfuMinutes(UnixMs now) { return static_cast<uint32_t>(now / 60000) & 0xffff; }
inline uint32_t lfuPack(UnixMs now, uint8_t counter) { return lfuMinutes(now) << 8 | counter; }
// The counter after one more use. `random`: uniformly distributed.
uint8_t lfuIncrement(uint8_t counter, uint64_t random, uint32_t logFactor);
// The counter as of now.
uint8_t lfuDecay(uint32_t access, UnixMs now, uint32_t decayMinutes);

// What a new entry begins with.
inline uint32_t initialAccess(const AccessPolicy& policy, UnixMs now) {
  return policy.lfu ? lfuPack(now, kLfuInitial) : lruClock(now);
}
// What an entry has after one more use.
inline uint32_t touchedLfu(const AccessPolicy& policy, uint32_t access, UnixMs now, uint64_t random) {
  return lfuPack(now, lfuIncrement(lfuDecay(access, now, policy.lfuDecayMinutes), random, policy.lfuLogFactor));
}

}  // namespace vigil::keyspace
