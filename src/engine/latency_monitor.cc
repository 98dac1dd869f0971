#include "engine/latency_monitor.h"

#include <algorithm>

namespace vigil::engine {

void LatencyMonitor::add(std::string_view event, int64_t milliseconds) {
  const int64_t now = clock_.wall() / 1'000'000;
  MutexLock guard(mutex_);
  auto at = events_.find(event);
  if (at == events_.end()) at = events_.emplace(event, Series{}).first;
  Series& series = at->second;
  series.longest = std::max(series.longest, milliseconds);
  auto& samples = series.samples;
  if (!samples.empty() && samples.back().time == now) {
    samples.back().milliseconds = std::max(samples.back().milliseconds, milliseconds);
    return;
  }
  if (samples.size() == kSamples) samples.erase(samples.begin());
  samples.push_back({now, milliseconds});
}

std::map<std::string, LatencyMonitor::Series, std::less<>> LatencyMonitor::all() const {
  MutexLock guard(mutex_);
  return events_;
}

std::optional<LatencyMonitor::Series> LatencyMonitor::find(std::string_view event) const {
  MutexLock guard(mutex_);
  auto at = events_.find(event);
  if (at == events_.end()) return std::nullopt;
  return at->second;
}

size_t LatencyMonitor::reset(const std::vector<std::string>& events) {
  MutexLock guard(mutex_);
  size_t forgotten = 0;
  for (const std::string& event : events) forgotten += events_.erase(event);
  if (events.empty()) {
    forgotten = events_.size();
    events_.clear();
  }
  return forgotten;
}

}  // namespace vigil::engine
