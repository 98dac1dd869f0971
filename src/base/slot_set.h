// A set of hash slots, laid out as the cluster bus sends it: slot s is bit s % 8 of byte s / 8. A value.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crc16.h"

namespace vigil {

// Both ends included.
struct SlotRange {
  uint16_t first = 0;
  uint16_t last = 0;
  bool operator==(const SlotRange&) const = default;
};

class SlotSet {
 public:
  static constexpr size_t kBytes = kSlotCount / 8;

  bool test(size_t slot) const { return (bytes_[slot / 8] >> (slot % 8) & 1) != 0; }
  void set(size_t slot) { bytes_[slot / 8] = static_cast<uint8_t>(bytes_[slot / 8] | 1u << (slot % 8)); }
  void reset(size_t slot) { bytes_[slot / 8] = static_cast<uint8_t>(bytes_[slot / 8] & ~(1u << (slot % 8))); }
  void clear() { bytes_.fill(0); }
  void setRange(SlotRange range) {
    for (size_t slot = range.first; slot <= range.last; ++slot) set(slot);
  }

  void add(const SlotSet& other) {
    for (size_t at = 0; at < kBytes; ++at) bytes_[at] = static_cast<uint8_t>(bytes_[at] | other.bytes_[at]);
  }
  void remove(const SlotSet& other) {
    for (size_t at = 0; at < kBytes; ++at) bytes_[at] = static_cast<uint8_t>(bytes_[at] & ~other.bytes_[at]);
  }
  bool overlaps(const SlotSet& other) const {
    bool any = false;
    for (size_t at = 0; at < kBytes; ++at) any = any || (bytes_[at] & other.bytes_[at]) != 0;
    return any;
  }

  size_t count() const {
    size_t sum = 0;
    for (uint8_t byte : bytes_) sum += static_cast<size_t>(std::popcount(byte));
    return sum;
  }
  bool empty() const { return *this == SlotSet(); }
  bool operator==(const SlotSet&) const = default;

  template <typename Visit>
  void forEach(Visit visit) const {
    for (size_t at = 0; at < kBytes; ++at) {
      for (uint8_t rest = bytes_[at]; rest != 0; rest = static_cast<uint8_t>(rest & (rest - 1))) {
        visit(static_cast<uint16_t>(at * 8 + static_cast<size_t>(std::countr_zero(rest))));
      }
    }
  }
  // In ascending order, none next to another.
  std::vector<SlotRange> ranges() const {
    std::vector<SlotRange> all;
    forEach([&](uint16_t slot) {
      if (!all.empty() && all.back().last + 1 == slot) {
        all.back().last = slot;
      } else {
        all.push_back({slot, slot});
      }
    });
    return all;
  }

  std::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_.data()), kBytes}; }
  static SlotSet fromBytes(std::string_view bytes) {  // kBytes of them
    SlotSet set;
    std::memcpy(set.bytes_.data(), bytes.data(), kBytes);
    return set;
  }

 private:
  std::array<uint8_t, kBytes> bytes_{};
};

}  // namespace vigil
