// The hash of keys: XXH3 with the node's seed, so that clients cannot know which keys collide.
//
// In cluster mode the key's hash slot stands in it, where the shard's number is taken from: keys of one slot share a shard,
// and who knows the hash knows the slot.
//
//   hash: | 63..49 tag | 48..40 slot, its low bits | 39..35 its high bits | … | low bits: bucket |
//
// So neighbouring slots, of which a node owns long ranges, lie in different shards.
//
// A value: copy it freely. `mask` keeps only these bits of the hash; anything but all ones is for tests of collisions.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/crc16.h"

namespace vigil::keyspace {

struct KeyHash {
  uint64_t seed = 0;
  uint64_t mask = ~uint64_t{0};
  bool slots = false;  // cluster mode

  uint64_t operator()(std::string_view key) const;

  static constexpr int kLowShift = 40;   // where the shard's number is taken from
  static constexpr int kLowBits = 9;
  static constexpr int kHighShift = 35;
  static constexpr uint64_t kLowMask = (1 << kLowBits) - 1;
  static constexpr uint64_t kHighMask = (kSlotCount >> kLowBits) - 1;
  static uint16_t slotOf(uint64_t hash) {
    return static_cast<uint16_t>((hash >> kLowShift & kLowMask) | (hash >> kHighShift & kHighMask) << kLowBits);
  }
};

}  // namespace vigil::keyspace
