#include "keyspace/key_hash.h"

#define XXH_INLINE_ALL  // short keys are hashed without a call
#include <xxhash.h>

namespace vigil::keyspace {

uint64_t KeyHash::operator()(std::string_view key) const {
  const uint64_t hash = XXH3_64bits_withSeed(key.data(), key.size(), seed) & mask;
  if (!slots) [[likely]]
    return hash;
  constexpr uint64_t kSlotBits = kLowMask << kLowShift | kHighMask << kHighShift;
  const uint64_t slot = keySlot(key);
  return (hash & ~kSlotBits) | (slot & kLowMask) << kLowShift | slot >> kLowBits << kHighShift;
}

}  // namespace vigil::keyspace
