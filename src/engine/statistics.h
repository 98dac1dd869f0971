// What the node counts, as INFO shows it: since the start, or since the last CONFIG RESETSTAT.
//
// Workers count in counters of their own (WorkerStats, CommandStatistics); nobody else writes those. So a reset only
// remembers what they said, and is subtracted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/ports/clock.h"
#include "ds/latency_histogram.h"
#include "engine/stats.h"
#include "keyspace/keyspace.h"

namespace vigil::engine {

class Engine;

struct CommandTotals {
  int64_t calls = 0;
  int64_t nanoseconds = 0;
  int64_t rejected = 0;
  int64_t failed = 0;
};

// One worker's statistics of commands, by CommandEntry::index, and of error codes. Written by the worker alone, read
// by any thread.
class CommandStatistics {
 public:
  explicit CommandStatistics(size_t commands) : size_(commands), counters_(std::make_unique<Counters[]>(commands)) {}
  ~CommandStatistics();
  CommandStatistics(const CommandStatistics&) = delete;
  CommandStatistics& operator=(const CommandStatistics&) = delete;

  // `tracked`: also in its histogram (latency-tracking).
  void called(size_t command, int64_t nanoseconds, bool tracked) {
    Counters& counters = counters_[command];
    counters.calls.add();
    counters.nanoseconds.add(nanoseconds);
    if (tracked) track(counters, nanoseconds);
  }
  // A call that had to wait has ended: `more` than called() was told, `all` of it for the histogram.
  void ended(size_t command, int64_t more, int64_t all, bool tracked) {
    counters_[command].nanoseconds.add(more);
    if (tracked) track(counters_[command], all);
  }
  void rejected(size_t command) { counters_[command].rejected.add(); }
  void failed(size_t command) { counters_[command].failed.add(); }
  void error(const std::string& code);

  void addTo(std::vector<CommandTotals>& totals) const;
  void addErrorsTo(std::map<std::string, int64_t>& errors) const;
  void addTo(size_t command, ds::LatencyDistribution& distribution) const;

 private:
  // Scripts can invent codes without end.
  static constexpr size_t kMaxErrorCodes = 128;
  struct alignas(64) Counters {
    Counter calls;
    Counter nanoseconds;
    Counter rejected;
    Counter failed;
    std::atomic<ds::LatencyHistogram*> histogram{nullptr};  // once there is something in it
  };
  static void track(Counters& counters, int64_t nanoseconds) {
    ds::LatencyHistogram* histogram = counters.histogram.load(std::memory_order_relaxed);
    if (histogram == nullptr) [[unlikely]] histogram = makeHistogram(counters);
    histogram->add(nanoseconds);
  }
  static ds::LatencyHistogram* makeHistogram(Counters& counters);
  const size_t size_;
  const std::unique_ptr<Counters[]> counters_;
  mutable Mutex mutex_;
  std::map<std::string, int64_t> errors_ GUARDED_BY(mutex_);
};

// A rate per second, from samples that are taken about ten times a second: the mean of the last sixteen.
class Rate {
 public:
  void sample(MonoUs now, int64_t total);
  int64_t perSecond() const { return perSecond_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kSamples = 16;
  std::array<int64_t, kSamples> samples_{};
  size_t next_ = 0;
  MonoUs lastTime_ = 0;
  int64_t lastTotal_ = 0;
  std::atomic<int64_t> perSecond_{0};
};

// Thread safe, but for sample().
class Statistics {
 public:
  explicit Statistics(Engine& engine) : engine_(engine) {}

  int64_t since(Counter WorkerStats::*counter) const;
  int64_t rejectedConnections() const;
  int64_t replicationInput() const;   // bytes
  int64_t replicationOutput() const;  // bytes
  keyspace::Keyspace::Statistics keyspace() const;
  int64_t evictionExceededUs() const;
  int64_t lazilyFreed() const;  // keys
  std::vector<CommandTotals> commands() const;  // by CommandEntry::index
  ds::LatencyDistribution latency(size_t command) const;  // what its calls took, as far as they were tracked
  std::map<std::string, int64_t> errors() const;
  void reset();

  // On the control loop, about ten times a second.
  void sample(MonoUs now);
  int64_t commandsPerSecond() const { return commandRate_.perSecond(); }
  int64_t turnsPerSecond() const { return turnRate_.perSecond(); }          // of all workers' loops
  int64_t turnTimePerSecond() const { return turnTimeRate_.perSecond(); }  // microseconds that they took
  int64_t inputPerSecond() const { return inputRate_.perSecond(); }    // bytes
  int64_t outputPerSecond() const { return outputRate_.perSecond(); }  // bytes
  int64_t replicationInputPerSecond() const { return replicationInputRate_.perSecond(); }    // bytes
  int64_t replicationOutputPerSecond() const { return replicationOutputRate_.perSecond(); }  // bytes
  // The most memory that a sample, or a reader of this, has seen in use.
  int64_t peakMemory();
  int64_t startMemory() const { return startMemory_; }
  void markStart();  // used memory of the empty server

 private:
  struct Marks {
    std::map<size_t, int64_t> counters;  // by place in kCounters
    int64_t rejectedConnections = 0;
    int64_t replicationInput = 0;
    int64_t replicationOutput = 0;
    keyspace::Keyspace::Statistics keyspace;
    int64_t evictionExceededUs = 0;
    int64_t lazilyFreed = 0;
    std::vector<CommandTotals> commands;
    std::map<size_t, ds::LatencyDistribution> latencies;
    std::map<std::string, int64_t> errors;
  };
  std::vector<CommandTotals> allCommands() const;
  ds::LatencyDistribution allLatency(size_t command) const;
  std::map<std::string, int64_t> allErrors() const;

  Engine& engine_;
  // Sampled on the control loop.
  Rate commandRate_, turnRate_, turnTimeRate_, inputRate_, outputRate_, replicationInputRate_, replicationOutputRate_;
  std::atomic<int64_t> peakMemory_{0};
  int64_t startMemory_ = 0;
  mutable Mutex mutex_;
  Marks marks_ GUARDED_BY(mutex_);
};

}  // namespace vigil::engine
