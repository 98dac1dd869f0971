// What took long, by kind of event: LATENCY. An event that lasts at least latency-monitor-threshold is noted.
//
// Thread safe; its lock is a leaf and taken for events over the threshold and for whoever reads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/ports/clock.h"
#include "engine/monitoring_options.h"

namespace vigil::engine {

class LatencyMonitor {
 public:
  struct Sample {
    int64_t time = 0;  // Unix seconds
    int64_t milliseconds = 0;
  };
  struct Series {
    std::vector<Sample> samples;  // the oldest first; of one second only the longest; at most kSamples
    int64_t longest = 0;          // ever, in milliseconds
  };
  static constexpr size_t kSamples = 160;

  LatencyMonitor(const Clock& clock, const MonitoringOptions& options) : clock_(clock), options_(options) {}

  // Any thread: whether anything is noted at all, where taking the time would cost something.
  bool watching() const { return options_.latencyThreshold.load(std::memory_order_relaxed) > 0; }
  // Any thread: `event` has taken this long.
  void note(std::string_view event, int64_t microseconds) {
    const int64_t threshold = options_.latencyThreshold.load(std::memory_order_relaxed);
    if (threshold > 0 && microseconds / 1000 >= threshold) add(event, microseconds / 1000);
  }

  std::map<std::string, Series, std::less<>> all() const;
  std::optional<Series> find(std::string_view event) const;
  // Forgets these events, or all if none is named; returns how many there were.
  size_t reset(const std::vector<std::string>& events);

 private:
  void add(std::string_view event, int64_t milliseconds);

  const Clock& clock_;
  const MonitoringOptions& options_;
  mutable Mutex mutex_;
  std::map<std::string, Series, std::less<>> events_ GUARDED_BY(mutex_);
};

}  // namespace vigil::engine
