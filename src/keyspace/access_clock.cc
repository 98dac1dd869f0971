#include "keyspace/access_clock.h"

namespace vigil::keyspace {

uint8_t lfuIncrement(uint8_t counter, uint64_t random, uint32_t logFactor) {
  if (counter == 255) return counter;
  const uint32_t base = counter > kLfuInitial ? counter - kLfuInitial : 0;
  const double probability = 1.0 / (static_cast<double>(base) * logFactor + 1);
  const double chance = static_cast<double>(random >> 11) * 0x1p-53;  // in [0, 1)
  return chance < probability ? static_cast<uint8_t>(counter + 1) : counter;
}

uint8_t lfuDecay(uint32_t access, UnixMs now, uint32_t decayMinutes) {
  const uint8_t counter = static_cast<uint8_t>(access);
  if (decayMinutes == 0) return counter;
  const uint32_t elapsed = (lfuMinutes(now) - (access >> 8)) & 0xffff;
  const uint32_t periods = elapsed / decayMinutes;
  return periods >= counter ? 0 : static_cast<uint8_t>(counter - periods);
}

}  // namespace vigil::keyspace
