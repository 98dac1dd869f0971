// What the commands on each hash slot have cost this node: CLUSTER SLOT-STATS.
//
// Each worker counts in its own table, which is made with the first command that it counts: nothing is counted, and nothing
// allocated, while `cluster-slot-stats-enabled` is off. Any thread may read and clear; a command that ends at that moment
// counts, or does not.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/crc16.h"
#include "engine/stats.h"

namespace vigil::engine {

class SlotUsage {
 public:
  struct Cost {
    int64_t nanos = 0;     // of the processor
    int64_t bytesIn = 0;   // of requests
    int64_t bytesOut = 0;  // of replies, and of what goes to each replica
  };

  void setWorkers(size_t count) { workers_ = std::vector<Table>(count); }  // before the loops run

  void add(size_t worker, uint16_t slot, const Cost& cost);  // on that worker's thread
  Cost sum(uint16_t slot) const;
  void clear(uint16_t slot);
  void clearAll();

 private:
  struct Counters {
    Counter nanos;
    Counter bytesIn;
    Counter bytesOut;
  };
  struct Table {
    std::unique_ptr<Counters[]> owned;
    std::atomic<Counters*> shown{nullptr};
  };
  std::vector<Table> workers_;
};

}  // namespace vigil::engine
