// The options of what is watched while commands run: the slow log, the latency monitor, the histograms.
//
// Thread safe: any thread may set a value, commands see it from then on.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/shared_value.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::engine {

struct MonitoringOptions {
  std::atomic<int64_t> slowerThan{10000};     // slowlog-log-slower-than, microseconds; negative: nothing is logged
  std::atomic<int64_t> slowLogLength{128};    // slowlog-max-len
  std::atomic<int64_t> latencyThreshold{0};   // latency-monitor-threshold, milliseconds; 0: nothing is noted
  std::atomic<bool> latencyTracking{true};    // latency-tracking
  Shared<std::vector<double>> percentiles{std::vector<double>{50, 99, 99.9}};  // latency-tracking-info-percentiles

  std::atomic<bool> slotStats{false};         // cluster-slot-stats-enabled

  // Follows the two thresholds: what took less is of no interest to either. Nanoseconds.
  std::atomic<int64_t> noticeFrom{INT64_MAX};
  void thresholdsChanged();

  // Adds the rows of these options; they must outlive the registry.
  void addTo(ConfigRegistry& registry);
};

}  // namespace vigil::engine
