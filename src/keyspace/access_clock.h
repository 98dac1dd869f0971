// The 30 bits of an entry that say when or how often it was used. The lower 24 follow Redis's rules, so that OBJECT
// IDLETIME, OBJECT FREQ and eviction mean the same; the other 6 are a fraction of them, which tells apart for eviction
// what Redis must take as equal.
//
//   LRU: | 64ths of that second | seconds of Unix time, modulo 2^24                |
//   LFU: | 64ths of the counter | minutes of Unix time, modulo 2^16 | counter 0-255 |
//
// LFU's counter grows logarithmically and decays with time.
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

inline constexpr int kAccessBits = 24;  // Redis's part
inline constexpr uint32_t kAccessMask = (uint32_t{1} << kAccessBits) - 1;
inline constexpr int kFractionBits = 6;
inline constexpr uint32_t kFractions = 1 << kFractionBits;

inline constexpr uint8_t kLfuInitial = 5;  // the counter of a new entry, so that it is not evicted at once

inline uint32_t lruClock(UnixMs now) { return static_cast<uint32_t>(now / 1000) & kAccessMask; }
inline uint32_t lruNow(UnixMs now) {
  return lruClock(now) | static_cast<uint32_t>(now % 1000 * kFractions / 1000) << kAccessBits;
}
// Since the last use, in 64ths of a second. Threads' clocks are read apart from each other: what was used a moment
// after `now` was used now.
uint32_t lruIdleFractions(uint32_t access, UnixMs now);
// The same in seconds of Redis's clock, which counts the seconds that have begun.
uint32_t lruIdleSeconds(uint32_t access, UnixMs now);

inline uint32_t lfuMinutes(UnixMs now) { return static_cast<uint32_t>(now / 60000) & 0xffff; }
// `counter`: 0-255, `fraction`: 64ths.
inline uint32_t lfuPack(UnixMs now, uint8_t counter, uint32_t fraction = 0) {
  return fraction << kAccessBits | lfuMinutes(now) << 8 | counter;
}
// The counter in 64ths after one more use. `random`: uniformly distributed.
uint32_t lfuIncrement(uint32_t counter, uint64_t random, uint32_t logFactor);
// The counter as of now, and the same in 64ths.
uint8_t lfuDecay(uint32_t access, UnixMs now, uint32_t decayMinutes);
uint32_t lfuDecayFractions(uint32_t access, UnixMs now, uint32_t decayMinutes);

// What a new entry begins with.
inline uint32_t initialAccess(const AccessPolicy& policy, UnixMs now) {
  return policy.lfu ? lfuPack(now, kLfuInitial) : lruNow(now);
}
// What an entry has after one more use.
inline uint32_t touchedLfu(const AccessPolicy& policy, uint32_t access, UnixMs now, uint64_t random) {
  const uint32_t counter =
      lfuIncrement(lfuDecayFractions(access, now, policy.lfuDecayMinutes), random, policy.lfuLogFactor);
  return lfuPack(now, static_cast<uint8_t>(counter / kFractions), counter % kFractions);
}

}  // namespace vigil::keyspace
