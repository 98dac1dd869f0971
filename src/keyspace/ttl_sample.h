// When the entries of one table expire on the mean, as a walk that goes round the table a few buckets at a time has seen
// it: for INFO's avg_ttl. Stepped under the shard's lock; mean() may be read by any thread.
#pragma once

#include <cstdint>

#include "base/ports/clock.h"
#include "keyspace/counter.h"

namespace vigil::keyspace {

class Table;

class TtlSample {
 public:
  void step(const Table& table, size_t buckets);
  void clear();
  UnixMs mean() const { return static_cast<UnixMs>(mean_.get()); }  // 0: none has been seen

 private:
  uint64_t cursor_ = 0;
  uint64_t seen_ = 0;  // in this round
  double sum_ = 0;     // of their deadlines
  Counter mean_;
};

}  // namespace vigil::keyspace
