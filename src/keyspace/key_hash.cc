#include "keyspace/key_hash.h"

#define XXH_INLINE_ALL  // short keys are hashed without a call
#include <xxhash.h>

namespace vigil::keyspace {

namespace {

// Apart, so that its registers cost nothing where there are no slots.
[[gnu::noinline]] uint64_t withSlot(uint64_t hash, std::string_view key) {
  constexpr uint64_t kLowMask = KeyHash::kLowMask, kHighMask = KeyHash::kHighMask;
  constexpr int kLowShift = KeyHash::kLowShift, kHighShift = KeyHash::kHighShift;
  constexpr uint64_t kSlotBits = kLowMask << kLowShift | kHighMask << kHighShift;
  const uint64_t slot = keySlot(key);
  return (hash & ~kSlotBits) | (slot & kLowMask) << kLowShift | slot >> KeyHash::kLowBits << kHighShift;
}

}  // namespace

uint64_t KeyHash::operator()(std::string_view key) const {
  const uint64_t hash = XXH3_64bits_withSeed(key.data(), key.size(), seed) & mask;
  return slots ? withSlot(hash, key) : hash;
}

}  // namespace vigil::keyspace
