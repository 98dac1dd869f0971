// Counters, one set per worker: each is written by its worker alone and summed by INFO.
#pragma once

#include <atomic>
#include <cstdint>

namespace vigil::engine {

// A counter with one writer: no locked instruction.
class Counter {
 public:
  void add(int64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  int64_t get() const { return value_.load(std::memory_order_relaxed); }
  void reset() { value_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

struct alignas(64) WorkerStats {
  Counter commands;
  Counter connections;
  Counter rejectedConnections;
  Counter netInput;
  Counter netOutput;
  Counter reads;
  Counter writes;
  Counter expireCyclesCut;  // expired_time_cap_reached_count
  Counter errorReplies;
  Counter unexpectedErrors;  // of our master's commands
  Counter queryBufferLimitDisconnections;
  Counter outputBufferLimitDisconnections;
  Counter evictedClients;
  Counter outputTrims;  // reply_buffer_shrinks
  Counter upkeepUs;  // active expiry and resizing
  Counter turns;     // of the worker's loop
  Counter turnsUs;   // that they took
  Counter dirty;  // changes ever made to the data set
};

}  // namespace vigil::engine
