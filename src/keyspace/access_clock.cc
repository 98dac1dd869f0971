#include "keyspace/access_clock.h"

#include <algorithm>

namespace vigil::keyspace {

namespace {

constexpr uint32_t kAheadSeconds = 60;  // an entry that seems to have been idle for nearly all of the range is not

}  // namespace

uint32_t lruIdleFractions(uint32_t access, UnixMs now) {
  constexpr uint32_t kRange = (kFractions << kAccessBits) - 1;
  auto fractions = [](uint32_t at) { return (at & kAccessMask) << kFractionBits | at >> kAccessBits; };
  const uint32_t idle = (fractions(lruNow(now)) - fractions(access)) & kRange;
  return idle > kRange - kAheadSeconds * kFractions ? 0 : idle;
}

uint32_t lruIdleSeconds(uint32_t access, UnixMs now) {
  const uint32_t idle = (lruClock(now) - access) & kAccessMask;
  return idle > kAccessMask - kAheadSeconds ? 0 : idle;
}

// A use adds what Redis's dice add in the mean; only what is less than a 64th is left to them.
uint32_t lfuIncrement(uint32_t counter, uint64_t random, uint32_t logFactor) {
  constexpr uint32_t kMost = 255 * kFractions;
  const uint32_t whole = counter / kFractions;
  const uint32_t base = whole > kLfuInitial ? whole - kLfuInitial : 0;
  const double growth = kFractions / (static_cast<double>(base) * logFactor + 1);
  const double chance = static_cast<double>(random >> 11) * 0x1p-53;  // in [0, 1)
  return std::min(kMost, counter + static_cast<uint32_t>(growth + chance));
}

uint32_t lfuDecayFractions(uint32_t access, UnixMs now, uint32_t decayMinutes) {
  const uint32_t counter = access & 0xff;
  const uint32_t fraction = access >> kAccessBits;
  if (decayMinutes == 0) return counter * kFractions + fraction;
  const uint32_t elapsed = (lfuMinutes(now) - (access >> 8)) & 0xffff;
  const uint32_t periods = elapsed / decayMinutes;
  return periods > counter ? 0 : (counter - periods) * kFractions + fraction;
}

uint8_t lfuDecay(uint32_t access, UnixMs now, uint32_t decayMinutes) {
  return static_cast<uint8_t>(lfuDecayFractions(access, now, decayMinutes) / kFractions);
}

}  // namespace vigil::keyspace
