// How many entries each hash slot of a shard has, in cluster mode; else it has no place and costs a test.
//
// Changed under the shard's lock; any thread may read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "keyspace/counter.h"
#include "keyspace/key_hash.h"

namespace vigil::keyspace {

class SlotSizes {
 public:
  bool counts() const { return sizes() != nullptr; }
  // `slots`: of one shard, a power of two.
  void begin(size_t slots) {
    slots_ = slots;
    owned_ = std::make_unique<Counter[]>(slots);
    shown_.store(owned_.get(), std::memory_order_release);
  }
  void add(uint64_t hash) {
    if (Counter* counters = sizes()) [[unlikely]] counters[place(KeyHash::slotOf(hash))].add();
  }
  void remove(uint64_t hash) {
    if (Counter* counters = sizes()) [[unlikely]] counters[place(KeyHash::slotOf(hash))].subtract();
  }
  void clear() {
    for (size_t i = 0; i < slots_; ++i) owned_[i].set(0);
  }
  // Another shard's become this one's, and that one has none. In place: somebody may be reading.
  void takeOver(SlotSizes& other) {
    if (other.counts() && !counts()) begin(other.slots_);
    for (size_t i = 0; i < slots_; ++i) owned_[i].set(other.counts() ? other.owned_[i].get() : 0);
    other.clear();
  }
  uint64_t count(uint16_t slot) const {
    const Counter* counters = sizes();
    return counters == nullptr ? 0 : counters[place(slot)].get();
  }

 private:
  // The slots of a shard are those whose low bits are its number.
  size_t place(uint16_t slot) const { return slot / (kSlotCount / slots_); }

  Counter* sizes() const { return shown_.load(std::memory_order_acquire); }

  size_t slots_ = 0;
  std::unique_ptr<Counter[]> owned_;
  std::atomic<Counter*> shown_{nullptr};  // the same, for who reads without the lock
};

}  // namespace vigil::keyspace
