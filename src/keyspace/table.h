// The hash table of one database in one shard.
//
// Buckets of one cache line hold seven entries; more of them hang in overflow buckets (bucket_array.h draws them). A
// slot carries 15 bits of the hash, so that nearly every comparison that loads an entry finds its key.
//
// Growth and shrinking go in steps: while two arrays exist, a region is the one bucket of the smaller array and the
// two buckets of the larger one that hold the same hashes (modulo the smaller size); region r has moved to the new
// array iff r < moved_. A key therefore has one place at any time.
//
// Every bucket has a version: the snapshot epoch in which it was last changed or handed to the snapshots. A change to
// a bucket with an older version than the table's epoch first hands the whole bucket to the snapshots that lack it
// (Preserver). Growth inherits versions; where shrinking merges two versions, both buckets are handed over first.
// Overflow buckets share their bucket's version.
//
// Not thread safe: everything happens under the shard's lock, but for the two passes of prefetching.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "keyspace/bucket_array.h"
#include "keyspace/bucket_match.h"
#include "keyspace/entry.h"
#include "keyspace/key_hash.h"
#include "keyspace/prefetch.h"

namespace vigil::keyspace {

struct KeyRef {
  std::string_view name;
  uint64_t hash;
};

class Table;

// Who gets a bucket before it changes, and what a table drops: the shard, for its snapshots and for those who prefetch.
class Preserver {
 public:
  virtual ~Preserver() = default;
  // Give Table::eachEntry(bucket) to every running snapshot whose epoch is greater than bucket.version.
  virtual void preserve(const Table& table, const Bucket& bucket) = 0;
  // An array that the table does not show any more; a look from another thread may still rest on it.
  virtual void retire(BucketArray array) { array = {}; }
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

  // `epoch`: the current snapshot epoch, owned by the keyspace. Both references must outlive the table, or be replaced
  // by rebind().
  Table(const uint32_t& epoch, Preserver& preserver, KeyHash hash);
  ~Table();  // frees the entries
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // Moves the table to another shard of another keyspace with the same hash (tables loaded beside the old ones).
  void rebind(const uint32_t& epoch, Preserver& preserver) {
    epoch_ = &epoch;
    preserver_ = &preserver;
  }

  size_t size() const { return size_; }
  size_t withExpiry() const { return withExpiry_; }  // how many entries have a time to live
  size_t bucketCount() const { return current_.size() + previous_.size(); }
  size_t memory() const { return sizeof(Table) + current_.memory() + previous_.memory(); }  // without the entries

  // The two passes of a batch: first the buckets, then the entries that the buckets promise. Any thread, while neither
  // the table nor an array that it retired can go (RetiredArrays). They may look at a bucket in the midst of a change:
  // what they find is only ever an address to prefetch.
  void prefetchBucket(uint64_t hash) const { prefetch(shownBucket(hash)); }
  void prefetchEntry(uint64_t hash) const {
    Bucket* bucket = shownBucket(hash);
    for (uint32_t found = slotsWithTag(*bucket, hash >> kTagShift); found != 0; found &= found - 1) {
      if (const uint64_t slot = peekSlot(bucket->slots[std::countr_zero(found)]); slot != 0) prefetchEntryAt(slot);
    }
  }

  Place find(const KeyRef& key) const {
    const BucketArray& array = arrayOf(key.hash);
    Bucket* bucket = &array[key.hash & array.mask()];
    for (;;) {
      for (uint32_t found = slotsWithTag(*bucket, key.hash >> kTagShift); found != 0; found &= found - 1) {
        const int i = std::countr_zero(found);
        const uint64_t slot = bucket->slots[i];
        if (slot != 0 && entryAt(slot)->hasKey(key.name)) [[likely]] return {bucket, i};
      }
      if (bucket->overflow == 0) [[likely]]
        return {};
      bucket = &array.overflowAt(bucket->overflow);
    }
  }

  // To be called before an entry's value changes in place. The functions below do it themselves.
  void beforeChange(uint64_t hash) { beforeChange(bucketOf(hash)); }

  // Adds an entry whose key is absent. Moves a region where growth is under way.
  void insert(uint64_t hash, Entry* entry);
  // Puts another entry of the same key at this place, and returns the old one, the caller's now. After beforeChange()
  // the old entry may even be freed already.
  Entry* replace(uint64_t hash, Place place, Entry* entry);
  // Takes the entry out; it is the caller's now. May begin to shrink the table.
  Entry* remove(uint64_t hash, Place place);

  // Makes room for that many entries at once (RDB's RESIZEDB); no effect unless empty.
  void reserve(size_t entries);

  // SCAN: calls `visit` for every entry of the buckets at `cursor`, returns the next cursor, 0 at the end. An entry
  // that is there from the first call to the last is visited at least once, whatever grows or shrinks in between. Any
  // number is a valid cursor. The callback must not change the table.
  uint64_t scan(uint64_t cursor, const std::function<void(const Entry&)>& visit) const;
  // Every entry once. The callback must not change the table.
  void forEach(const std::function<void(const Entry&)>& visit) const;
  // How many entries each bucket has, its overflow included.
  void eachBucket(const std::function<void(size_t entries)>& visit) const;
  // The same walk as scan() for snapshots: hands every bucket at `cursor` to the snapshots that lack it.
  uint64_t preserveStep(uint64_t cursor);

  // An entry chosen about fairly (exactly, but for overlong chains and tables that are just being resized); nullptr if
  // empty. `random`: uniformly distributed numbers.
  Entry* randomEntry(const std::function<uint64_t()>& random) const;
  // Visits entries of the buckets from any place `start` on, whole buckets, until it has seen `count` entries (only
  // such with a time to live if `expiring`) or looked at `most` buckets; returns where to go on. For sampling: what
  // stands close together has nothing in common. The callback must not change the table.
  uint64_t sample(uint64_t start, size_t count, size_t most, bool expiring,
                  const std::function<void(const Entry&)>& visit) const;
  // The entry with this hash, if there is one. (Two keys with one hash of 64 bits: either.)
  Place findHash(uint64_t hash) const;
  // Entries that have a time to live and whose hash has these low 32 bits. The callback may remove the entry it gets.
  void visitExpiring(uint32_t hashLow, const std::function<void(const Entry&)>& visit) const;

  // One step of growth or shrinking, when there is something to do; true if there is more.
  bool rehashStep(size_t regions);
  bool rehashing() const { return !previous_.empty(); }

  // All entries of a bucket, those in its overflow buckets included.
  void eachEntry(const Bucket& bucket, const std::function<void(const Entry&)>& visit) const;

  void checkInvariants() const;  // aborts where something is wrong

  uint64_t hashOf(std::string_view key) const { return hash_(key); }

 private:
  static constexpr int kTagShift = Bucket::kTagShift;
  static constexpr uint64_t kTtlBit = uint64_t{1} << 48;
  static constexpr uint64_t kAddressMask = kTtlBit - 1;
  static constexpr size_t kGrowPerBucket = 6;    // average entries per bucket at which the table doubles
  static constexpr size_t kShrinkPerBucket = 1;  // … below which it halves

  static Entry* entryAt(uint64_t slot) { return reinterpret_cast<Entry*>(slot & kAddressMask); }
  static void prefetchEntryAt(uint64_t slot) {
    constexpr size_t kSmallEntry = 40;  // key and value of 16 bytes each: often in two cache lines
    prefetch(entryAt(slot));
    prefetch(reinterpret_cast<const char*>(entryAt(slot)) + kSmallEntry);
  }
  static uint64_t makeSlot(uint64_t hash, const Entry* entry) {
    return (hash >> kTagShift << kTagShift) | (entry->hasExpire() ? kTtlBit : 0) | reinterpret_cast<uint64_t>(entry);
  }

  size_t smallMask() const { return current_.mask() < previous_.mask() ? current_.mask() : previous_.mask(); }
  const BucketArray& arrayOf(uint64_t hash) const {
    if (previous_.empty()) [[likely]]
      return current_;
    return (hash & smallMask()) < moved_ ? current_ : previous_;
  }
  BucketArray& arrayOf(uint64_t hash) { return const_cast<BucketArray&>(std::as_const(*this).arrayOf(hash)); }
  Bucket& bucketOf(uint64_t hash) const {
    const BucketArray& array = arrayOf(hash);
    return array[hash & array.mask()];
  }
  void beforeChange(Bucket& bucket) {
    if (bucket.version != *epoch_) [[unlikely]]
      preserve(bucket);
  }
  void preserve(Bucket& bucket);
  // An array's address, a multiple of 64, and the logarithm of its size.
  static uint64_t shown(const BucketArray& array) {
    return array.empty() ? 0 : reinterpret_cast<uint64_t>(&array[0]) | static_cast<uint64_t>(std::countr_zero(array.size()));
  }
  static uint64_t shownMask(uint64_t word) { return (uint64_t{1} << (word & (alignof(Bucket) - 1))) - 1; }
  // As bucketOf(), from what is shown to all threads.
  Bucket* shownBucket(uint64_t hash) const {
    uint64_t word = shownCurrent_.load();
    if (const uint64_t previous = shownPrevious_.load(); previous != 0) [[unlikely]] {
      const uint64_t region = hash & shownMask(word) & shownMask(previous);
      if (region >= shownMoved_.load(std::memory_order_relaxed)) word = previous;
    }
    return reinterpret_cast<Bucket*>(word & ~uint64_t{alignof(Bucket) - 1}) + (hash & shownMask(word));
  }
  void show();
  void startResize(size_t buckets);
  void moveRegion();
  void moveBucket(Bucket& from);
  // visit(Bucket&) for the buckets at a cursor; returns the next cursor.
  template <typename Visit>
  uint64_t walk(uint64_t cursor, Visit visit) const;
  void checkBucket(const BucketArray& array, size_t index, size_t& entries, size_t& expiring) const;

  const uint32_t* epoch_;
  Preserver* preserver_;
  const KeyHash hash_;
  BucketArray current_;
  BucketArray previous_;  // while resizing: what is being emptied
  size_t moved_ = 0;      // regions that have moved from previous_ to current_
  std::atomic<uint64_t> shownCurrent_;
  std::atomic<uint64_t> shownPrevious_{0};  // 0: none
  std::atomic<uint64_t> shownMoved_{0};
  size_t size_ = 0;
  size_t withExpiry_ = 0;
};

}  // namespace vigil::keyspace
