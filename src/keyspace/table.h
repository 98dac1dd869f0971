// The hash table of one database in one shard.
//
// Buckets of one cache line hold seven entries; more of them hang in overflow buckets. A slot carries 15 bits of the
// hash, so that nearly every comparison that loads an entry finds its key.
//
//   slot:   63      49   48   47            0        bucket: | slot 0 | … | slot 6 | version, overflow |
//           | 15 bits | TTL | entry's address |
//
// Growth and shrinking go in steps: while two arrays exist, a region is the one bucket of the smaller array and the
// two buckets of the larger one that hold the same hashes (modulo the smaller size); region r has moved to the new
// array iff r < moved_. A key therefore has one place at any time.
//
// Every bucket has a version: the snapshot epoch in which it was last changed or handed to the snapshots. A change to
// a bucket with an older version than the table's epoch first hands the whole bucket to the snapshots that lack it
// (Preserver). Growth inherits versions. Overflow buckets share their bucket's version.
//
// Not thread safe: everything happens under the shard's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "keyspace/entry.h"

namespace vigil::keyspace {

struct KeyRef {
  std::string_view name;
  uint64_t hash;
};

// 64 bytes, so one load from memory.
struct alignas(64) Bucket {
  static constexpr int kSlots = 7;
  uint64_t slots[kSlots];
  uint32_t version;
  uint32_t overflow;  // 0: none, else 1 + its index in the table's overflow pool
};
static_assert(sizeof(Bucket) == 64);

class Table;

// Who gets a bucket before it changes: the snapshots of one shard.
class Preserver {
 public:
  virtual ~Preserver() = default;
  // Give Table::eachEntry(bucket) to every running snapshot whose epoch is greater than bucket.version.
  virtual void preserve(const Table& table, const Bucket& bucket) = 0;
};

class Table {
 public:
  // A place in the table. Valid until the table next changes in any other way than through this place.
  struct Place {
    Bucket* bucket = nullptr;  // the one that holds the slot (an overflow bucket, perhaps)
    int slot = 0;
    explicit operator bool() const { return bucket != nullptr; }
    Entry* entry() const { return reinterpret_cast<Entry*>(bucket->slots[slot] & kAddressMask); }
  };

  // `epoch`: the shard's current snapshot epoch, owned by the keyspace, outliving the table.
  Table(const uint32_t& epoch, Preserver& preserver, uint64_t hashSeed);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  size_t size() const { return size_; }
  size_t withExpiry() const { return withExpiry_; }  // how many entries have a time to live
  size_t bucketCount() const { return current_.size() + previous_.size(); }
  size_t memory() const;  // of the buckets

  // The two passes of a batch: first the buckets, then the entries that the buckets promise.
  void prefetchBucket(uint64_t hash) const { __builtin_prefetch(&bucketOf(hash)); }
  void prefetchEntry(uint64_t hash) const {
    const Bucket& bucket = bucketOf(hash);
    for (uint64_t slot : bucket.slots) {
      if (((slot ^ hash) >> kTagShift) == 0 && slot != 0) __builtin_prefetch(reinterpret_cast<void*>(slot & kAddressMask));
    }
  }

  Place find(const KeyRef& key) const {
    const Bucket* bucket = &bucketOf(key.hash);
    for (;;) {
      for (int i = 0; i < Bucket::kSlots; ++i) {
        uint64_t slot = bucket->slots[i];
        if (((slot ^ key.hash) >> kTagShift) == 0 && slot != 0 &&
            reinterpret_cast<const Entry*>(slot & kAddressMask)->hasKey(key.name)) {
          return {const_cast<Bucket*>(bucket), i};
        }
      }
      if (bucket->overflow == 0) [[likely]] return {};
      bucket = &overflowAt(bucket->overflow);
    }
  }

  // To be called before anything of this key's bucket changes, its entries' values included.
  void beforeChange(uint64_t hash) {
    Bucket& bucket = bucketOf(hash);
    if (bucket.version != epoch_) [[unlikely]] preserve(bucket);
  }

  // Adds an entry whose key is absent. Moves a region where growth is under way.
  void insert(uint64_t hash, Entry* entry);
  // Puts another entry of the same key at this place; the old one is the caller's.
  void replace(Place place, Entry* entry);
  // Takes the entry out; it is the caller's now. May begin to shrink the table.
  Entry* remove(const KeyRef& key, Place place);

  // Makes room for that many entries at once (RDB's RESIZEDB); only while empty.
  void reserve(size_t entries);

  // SCAN: calls `visit` for every entry of the buckets at `cursor`, returns the next cursor, 0 at the end. An entry
  // that is there from the first call to the last is visited at least once, whatever grows or shrinks in between.
  // The callback must not change the table.
  uint64_t scan(uint64_t cursor, const std::function<void(const Entry&)>& visit) const;
  // The same walk for snapshots: hands every bucket at `cursor` to the snapshots that lack it.
  uint64_t preserveStep(uint64_t cursor);

  // A fairly chosen entry, nullptr if empty. `random`: a uniformly distributed number.
  Entry* randomEntry(const std::function<uint64_t()>& random) const;
  // Entries of one bucket that have a time to live and whose hash has these low 32 bits.
  void visitExpiring(uint32_t hashLow, const std::function<void(Entry&)>& visit) const;

  // One step of growth or shrinking, when there is something to do; true if there is more.
  bool rehashStep(size_t regions);
  bool rehashing() const { return !previous_.empty(); }

  // Takes all entries out and frees them, in pieces: true when nothing is left.
  bool clearStep(size_t buckets);

  // All entries of a bucket, those in its overflow buckets included.
  void eachEntry(const Bucket& bucket, const std::function<void(const Entry&)>& visit) const;

  void checkInvariants() const;

  uint64_t hashOf(std::string_view key) const;

 private:
  static constexpr int kTagShift = 49;
  static constexpr uint64_t kTtlBit = uint64_t{1} << 48;
  static constexpr uint64_t kAddressMask = kTtlBit - 1;
  static constexpr size_t kGrowPerBucket = 6;    // average entries per bucket at which the table doubles
  static constexpr size_t kShrinkPerBucket = 1;  // … below which it halves

  // A power of two of buckets, or none.
  class Array {
   public:
    Array() = default;
    explicit Array(size_t count, uint32_t version);
    Bucket& operator[](size_t i) const { return buckets_[i]; }
    size_t size() const { return mask_ == SIZE_MAX ? 0 : mask_ + 1; }
    size_t mask() const { return mask_; }
    bool empty() const { return mask_ == SIZE_MAX; }

   private:
    struct Free {
      void operator()(Bucket* p) const;
    };
    std::unique_ptr<Bucket[], Free> buckets_;
    size_t mask_ = SIZE_MAX;
  };

  static uint64_t makeSlot(uint64_t hash, const Entry* entry) {
    return (hash >> kTagShift << kTagShift) | (entry->hasExpire() ? kTtlBit : 0) | reinterpret_cast<uint64_t>(entry);
  }

  size_t smallMask() const { return current_.mask() < previous_.mask() ? current_.mask() : previous_.mask(); }
  Bucket& bucketOf(uint64_t hash) const {
    if (previous_.empty()) [[likely]] return current_[hash & current_.mask()];
    size_t region = hash & smallMask();
    return region < moved_ ? current_[hash & current_.mask()] : previous_[hash & previous_.mask()];
  }
  Bucket& overflowAt(uint32_t index) const { return overflow_[(index - 1) / kPoolBlock][(index - 1) % kPoolBlock]; }
  uint32_t allocateOverflow();
  void freeOverflow(uint32_t index);
  void put(Bucket& bucket, uint64_t slot);
  void preserve(Bucket& bucket);
  void startResize(size_t buckets);
  void moveRegion(size_t region);
  void moveBucket(Bucket& from);
  template <typename Visit>
  void eachSlot(const Bucket& bucket, Visit visit) const;
  template <typename Visit>
  uint64_t walk(uint64_t cursor, Visit visit) const;

  static constexpr size_t kPoolBlock = 64;

  const uint32_t& epoch_;
  Preserver& preserver_;
  const uint64_t seed_;
  Array current_;
  Array previous_;     // while resizing: what is being emptied
  size_t moved_ = 0;   // regions that have moved from previous_ to current_
  size_t size_ = 0;
  size_t withExpiry_ = 0;
  std::vector<std::unique_ptr<Bucket[]>> overflow_;
  std::vector<uint32_t> freeOverflow_;
  uint32_t overflowUsed_ = 0;
};

}  // namespace vigil::keyspace
