// A set of hash slots that any thread may look at while it changes: relaxed atomics, no locks. Who needs a moment in which
// it does not change is inside the world: it is changed with the world held.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/slot_set.h"

namespace vigil::keyspace {

class SlotBits {
 public:
  bool any() const { return count_.load(std::memory_order_relaxed) != 0; }
  bool test(uint16_t slot) const {
    return (words_[slot / 64].load(std::memory_order_relaxed) >> (slot % 64) & 1) != 0;
  }
  SlotSet copy() const {
    SlotSet set;
    for (size_t at = 0; any() && at < words_.size(); ++at) {
      for (uint64_t rest = words_[at].load(std::memory_order_relaxed); rest != 0; rest &= rest - 1) {
        set.set(at * 64 + static_cast<size_t>(std::countr_zero(rest)));
      }
    }
    return set;
  }

  // --- World held ---
  void set(uint16_t slot) {
    if (test(slot)) return;
    words_[slot / 64].fetch_or(uint64_t{1} << (slot % 64), std::memory_order_relaxed);
    count_.fetch_add(1, std::memory_order_relaxed);
  }
  void reset(uint16_t slot) {
    if (!test(slot)) return;
    words_[slot / 64].fetch_and(~(uint64_t{1} << (slot % 64)), std::memory_order_relaxed);
    count_.fetch_sub(1, std::memory_order_relaxed);
  }
  void add(const SlotSet& slots) {
    slots.forEach([this](uint16_t slot) { set(slot); });
  }
  void remove(const SlotSet& slots) {
    slots.forEach([this](uint16_t slot) { reset(slot); });
  }
  void clear() { remove(copy()); }

 private:
  std::array<std::atomic<uint64_t>, kSlotCount / 64> words_{};
  std::atomic<size_t> count_{0};
};

}  // namespace vigil::keyspace
