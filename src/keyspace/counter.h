// A number that one thread at a time changes (under a shard's lock) and any thread may read: no locked instruction.
#pragma once

#include <atomic>
#include <cstdint>

namespace vigil::keyspace {

class Counter {
 public:
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }
  void set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(uint64_t delta = 1) { set(get() + delta); }
  void subtract(uint64_t delta = 1) { set(get() - delta); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace vigil::keyspace
