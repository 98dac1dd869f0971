// What LATENCY GRAPH and LATENCY DOCTOR say, as text. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "engine/latency_monitor.h"

namespace vigil::engine {

// A graph in characters, a column for each sample, the oldest left. `now`: Unix seconds.
std::string latencyGraph(std::string_view event, const LatencyMonitor::Series& series, int64_t now);

// What the report's advice depends on.
struct LatencyFacts {
  int64_t now = 0;  // Unix seconds
  int64_t monitorThreshold = 0;  // milliseconds
  int64_t slowerThan = 0;        // slowlog-log-slower-than
  bool hugePages = false;        // the process uses transparent huge pages
};
std::string latencyReport(const std::map<std::string, LatencyMonitor::Series, std::less<>>& events,
                          const LatencyFacts& facts);

}  // namespace vigil::engine
