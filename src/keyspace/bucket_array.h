// A power of two of buckets with their overflow buckets: the memory of a hash table, knowing nothing of keys.
//
// Not thread safe, but that the slots of the array itself may be looked at from other threads (peekSlot()) as long as it
// is there. A chain is a bucket of the array and the overflow buckets that hang on it; all buckets of a chain
// but its last are full. Memory is not touched before a bucket is reset(), so making a large array takes no time.
//
//   slot:   63      49   48   47            0        bucket: | slot 0 | … | slot 6 | version, overflow |
//           | 15 bits | TTL | entry's address |        (0: an empty slot)
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace vigil::keyspace {

// 64 bytes, so one load from memory.
struct alignas(64) Bucket {
  static constexpr int kSlots = 7;
  static constexpr int kTagShift = 49;  // in a slot
  uint64_t slots[kSlots];
  uint32_t version;
  uint32_t overflow;  // 0: none, else 1 + its index in the array's overflow pool
};
static_assert(sizeof(Bucket) == 64);

// All stores to slots are such, for the sake of those who look without the lock.
inline void storeSlot(uint64_t& slot, uint64_t value) { std::atomic_ref(slot).store(value, std::memory_order_relaxed); }
inline uint64_t peekSlot(uint64_t& slot) { return std::atomic_ref(slot).load(std::memory_order_relaxed); }

class BucketArray {
 public:
  BucketArray() = default;
  explicit BucketArray(size_t count);  // a power of two; no bucket may be looked at before its reset()
  BucketArray(BucketArray&& other) noexcept { swap(other); }
  BucketArray& operator=(BucketArray&& other) noexcept {
    BucketArray taken(std::move(other));
    swap(taken);
    return *this;
  }

  Bucket& operator[](size_t i) const { return buckets_.at[i]; }
  size_t size() const { return mask_ + 1; }  // 0 if empty
  size_t mask() const { return mask_; }      // SIZE_MAX if empty
  bool empty() const { return mask_ == SIZE_MAX; }
  size_t memory() const;

  void reset(size_t i, uint32_t version) const { reset(buckets_.at[i], version); }
  // Whether this is a bucket of the array itself (not of its overflow).
  bool contains(const Bucket& bucket) const {
    return !empty() && &bucket >= buckets_.at && &bucket <= buckets_.at + mask_;
  }
  Bucket& overflowAt(uint32_t index) const { return pool_[(index - 1) / kPoolBlock].at[(index - 1) % kPoolBlock]; }

  // Adds a slot to the chain of `head`.
  void put(Bucket& head, uint64_t slot);
  // Empties a slot in the chain of `head`, and closes the hole.
  void erase(Bucket& head, Bucket& bucket, int slot);
  // Empties the chain of `head`.
  void clear(Bucket& head);

  // visit(uint64_t slot) for every slot in use.
  template <typename Visit>
  void eachSlot(const Bucket& head, Visit&& visit) const {
    for (const Bucket* bucket = &head;; bucket = &overflowAt(bucket->overflow)) {
      for (uint64_t slot : bucket->slots) {
        if (slot != 0) visit(slot);
      }
      if (bucket->overflow == 0) return;
    }
  }

  void swap(BucketArray& other) noexcept {
    std::swap(buckets_, other.buckets_);
    std::swap(mask_, other.mask_);
    std::swap(pool_, other.pool_);
    std::swap(freePool_, other.freePool_);
    std::swap(poolUsed_, other.poolUsed_);
  }

 private:
  static void reset(Bucket& bucket, uint32_t version) {
    for (uint64_t& slot : bucket.slots) storeSlot(slot, 0);
    bucket.version = version;
    bucket.overflow = 0;
  }
  static constexpr size_t kPoolBlock = 8;
  struct Free {
    void operator()(void* block) const { ::operator delete(block); }
  };
  struct Buckets {
    std::unique_ptr<void, Free> block;
    Bucket* at = nullptr;  // in it
  };
  static Buckets allocate(size_t count);
  uint32_t allocateOverflow();

  Buckets buckets_;
  size_t mask_ = SIZE_MAX;
  std::vector<Buckets> pool_;
  std::vector<uint32_t> freePool_;
  uint32_t poolUsed_ = 0;  // of the pool's buckets these were in use at some time
};

}  // namespace vigil::keyspace
