#include "engine/monitoring_options.h"

#include <algorithm>

#include "base/config.h"
#include "base/config_specials.h"

namespace vigil::engine {

void MonitoringOptions::thresholdsChanged() {
  constexpr int64_t kLongest = INT64_MAX / 1'000'000;
  int64_t from = INT64_MAX;
  if (const int64_t microseconds = slowerThan.load(); microseconds >= 0) {
    from = std::min(microseconds, kLongest * 1000) * 1000;
  }
  if (const int64_t milliseconds = latencyThreshold.load(); milliseconds > 0) {
    from = std::min(from, std::min(milliseconds, kLongest) * 1'000'000);
  }
  noticeFrom.store(from, std::memory_order_relaxed);
}

void MonitoringOptions::addTo(ConfigRegistry& registry) {
  auto apply = [this] {
    thresholdsChanged();
    return Status();
  };
  registry.add({.name = "slowlog-log-slower-than", .apply = apply}, integerOption(slowerThan, {.min = -1}));
  registry.add({.name = "slowlog-max-len"}, integerOption(slowLogLength, {.min = 0}));
  registry.add({.name = "latency-monitor-threshold", .apply = apply}, integerOption(latencyThreshold, {.min = 0}));
  registry.add({.name = "latency-tracking"}, boolOption(latencyTracking));
  registry.add({.name = "cluster-slot-stats-enabled"}, boolOption(slotStats));
  registry.add({.name = "latency-tracking-info-percentiles"}, percentilesOption(percentiles));
}

}  // namespace vigil::engine
