#include "keyspace/bucket_array.h"

#include <bit>
#include <cassert>

#include "keyspace/bucket_match.h"

namespace vigil::keyspace {

// An aligned operator new would ask the allocator for a little more, which puts a power of two into the next size
// class, a quarter larger; yet many allocators align large blocks anyway.
BucketArray::Buckets BucketArray::allocate(size_t count) {
  constexpr uintptr_t kMask = alignof(Bucket) - 1;
  const size_t bytes = count * sizeof(Bucket);
  Buckets made;
  made.block.reset(::operator new(bytes));
  if ((reinterpret_cast<uintptr_t>(made.block.get()) & kMask) != 0) {
    made.block.reset();
    made.block.reset(::operator new(bytes + kMask));
  }
  made.at = reinterpret_cast<Bucket*>((reinterpret_cast<uintptr_t>(made.block.get()) + kMask) & ~kMask);
  return made;
}

BucketArray::BucketArray(size_t count) : buckets_(allocate(count)), mask_(count - 1) {
  assert(count != 0 && (count & mask_) == 0);
}

size_t BucketArray::memory() const {
  return (size() + pool_.size() * kPoolBlock) * sizeof(Bucket) + pool_.capacity() * sizeof(Buckets) +
         freePool_.capacity() * sizeof(uint32_t);
}

uint32_t BucketArray::allocateOverflow() {
  uint32_t index = 0;
  if (!freePool_.empty()) {
    index = freePool_.back();
    freePool_.pop_back();
  } else {
    if (poolUsed_ == pool_.size() * kPoolBlock) pool_.push_back(allocate(kPoolBlock));
    index = ++poolUsed_;
  }
  overflowAt(index) = Bucket{};
  return index;
}

void BucketArray::put(Bucket& head, uint64_t slot) {
  Bucket* bucket = &head;
  for (;;) {
    for (uint32_t found = slotsWithTag(*bucket, 0); found != 0; found &= found - 1) {
      uint64_t& at = bucket->slots[std::countr_zero(found)];
      if (at == 0) {
        storeSlot(at, slot);
        return;
      }
    }
    if (bucket->overflow == 0) bucket->overflow = allocateOverflow();
    bucket = &overflowAt(bucket->overflow);
  }
}

void BucketArray::erase(Bucket& head, Bucket& bucket, int slot) {
  storeSlot(bucket.slots[slot], 0);
  if (head.overflow == 0) [[likely]]
    return;
  Bucket* before = &head;
  while (overflowAt(before->overflow).overflow != 0) before = &overflowAt(before->overflow);
  Bucket& last = overflowAt(before->overflow);
  int used = 0;
  uint64_t* moving = nullptr;
  for (uint64_t& at : last.slots) {
    if (at == 0) continue;
    ++used;
    moving = &at;
  }
  if (&bucket != &last) {
    storeSlot(bucket.slots[slot], *moving);
    storeSlot(*moving, 0);
    --used;
  }
  if (used == 0) {
    freePool_.push_back(before->overflow);
    before->overflow = 0;
  }
}

void BucketArray::clear(Bucket& head) {
  for (uint32_t index = head.overflow; index != 0; index = overflowAt(index).overflow) freePool_.push_back(index);
  reset(head, head.version);
}

}  // namespace vigil::keyspace
