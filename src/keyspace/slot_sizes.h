// How many entries each hash slot of a shard has, in cluster mode; else it has no place and costs a test.
//
// Changed under the shard's lock; any thread may read, apart from while whole tables change, with the world held.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "keyspace/counter.h"
#include "keyspace/key_hash.h"

namespace vigil::keyspace {

class SlotSizes {
 public:
  // `slots`: of one shard, a power of two; 0: there are no slots.
  explicit SlotSizes(size_t slots) : slots_(slots), sizes_(slots == 0 ? nullptr : std::make_unique<Counter[]>(slots)) {}

  bool counts() const { return sizes_ != nullptr; }
  void add(uint64_t hash) {
    if (sizes_ != nullptr) [[unlikely]] sizes_[place(KeyHash::slotOf(hash))].add();
  }
  void remove(uint64_t hash) {
    if (sizes_ != nullptr) [[unlikely]] sizes_[place(KeyHash::slotOf(hash))].subtract();
  }
  void clear() {
    for (size_t i = 0; i < slots_; ++i) sizes_[i].set(0);
  }
  uint64_t count(uint16_t slot) const { return sizes_ == nullptr ? 0 : sizes_[place(slot)].get(); }

 private:
  // The slots of a shard are those whose low bits are its number.
  size_t place(uint16_t slot) const { return slot / (kSlotCount / slots_); }

  size_t slots_;
  std::unique_ptr<Counter[]> sizes_;
};

}  // namespace vigil::keyspace
