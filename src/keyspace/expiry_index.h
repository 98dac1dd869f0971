// In which order the entries of one table expire: exact, and about eight bytes an entry.
//
// Holds (deadline in ticks of 100 ms, low 32 bits of the key's hash); the truth is in the entries. What was deleted or
// got another deadline since leaves a stale pair behind, which is recognised when its time comes; when stale pairs
// outnumber the live ones the index is rebuilt from the table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/ports/clock.h"
#include "ds/radix_heap.h"

namespace vigil::keyspace {

class Entry;
class Table;

class ExpiryIndex {
 public:
  // The entry with this hash expires at `at`.
  void add(uint64_t hash, UnixMs at, UnixMs now);
  // Visits entries of `table` that have expired, at most about `budget` pairs; true if more are due. The visitor
  // deletes them (it may change the table).
  bool popDue(const Table& table, UnixMs now, size_t budget, const std::function<void(const Entry&)>& visit);
  // To be called now and then: rebuilds if mostly stale.
  void compact(const Table& table, UnixMs now);
  void clear();
  size_t memory() const;

 private:
  ds::RadixHeap heap_;
  UnixMs base_ = 0;  // tick 0
};

}  // namespace vigil::keyspace
