// In which order the entries of one table expire: exact to a tick, and about eight bytes an entry.
//
// Not thread safe: everything happens under the shard's lock.
//
// Holds (deadline in ticks of 256 ms, low 32 bits of the key's hash); the truth is in the entries. What was deleted or
// got another deadline since leaves a stale pair behind, which is recognised when its time comes. When stale pairs
// outnumber the live ones, a new heap is filled from the table in steps, beside the old one, and then takes its place.
// An entry may have several pairs with the right deadline: the first that is popped deletes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/ports/clock.h"
#include "ds/radix_heap.h"

namespace vigil::keyspace {

class Entry;
class Table;

class ExpiryIndex {
 public:
  // The entry with this hash expires at `at`.
  void add(uint64_t hash, UnixMs at);
  // Visits entries of `table` that have expired, looking at about `budget` pairs; true if more are due. The visitor
  // deletes the entry it gets (that may change the table).
  bool popDue(const Table& table, UnixMs now, size_t budget, const std::function<void(const Entry&)>& visit);
  // Gets rid of stale pairs when there are too many, `buckets` buckets of the table at a time. To be called often.
  void compactStep(const Table& table, size_t buckets);
  size_t size() const { return heap_.size() + (fresh_ != nullptr ? fresh_->heap.size() : 0); }  // pairs
  size_t memory() const;

 private:
  struct Fresh {
    ds::RadixHeap heap;
    uint64_t cursor = 0;  // how far the table has been read into it
  };
  bool popFrom(ds::RadixHeap& heap, const Table& table, UnixMs now, size_t budget,
               const std::function<void(const Entry&)>& visit);

  ds::RadixHeap heap_;
  std::unique_ptr<Fresh> fresh_;  // while compacting
  uint32_t tick_ = 0;             // the latest that was popped
};

}  // namespace vigil::keyspace
