#include "ds/latency_histogram.h"

#include <cassert>
#include <memory>

namespace vigil::ds {

using latency::kBuckets;
using latency::kDoublings;
using latency::kPerDoubling;

namespace latency {

namespace {
// The first two stretches of buckets share a width of 1 ns.
size_t widthExponent(size_t bucket) { return bucket < 2 * kPerDoubling ? 0 : bucket / kPerDoubling - 1; }
}  // namespace

int64_t lowestOf(size_t bucket) {
  const size_t exponent = widthExponent(bucket);
  return static_cast<int64_t>((bucket - exponent * kPerDoubling) << exponent);
}

int64_t highestOf(size_t bucket) { return lowestOf(bucket) + (int64_t{1} << widthExponent(bucket)) - 1; }

}  // namespace latency

void LatencyDistribution::add(const LatencyDistribution& other) {
  for (size_t i = 0; i < other.counts_.size(); ++i) {
    if (other.counts_[i] != 0) add(i, other.counts_[i]);
  }
}

void LatencyDistribution::subtract(const LatencyDistribution& other) {
  for (size_t i = 0; i < other.counts_.size(); ++i) {
    if (other.counts_[i] != 0) add(i, -other.counts_[i]);
  }
}

int64_t LatencyDistribution::percentile(double percent) const {
  assert(!empty());
  const auto wanted =
      std::max<int64_t>(1, static_cast<int64_t>(std::min(percent, 100.0) / 100 * static_cast<double>(total_) + 0.5));
  int64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted) return latency::highestOf(i);
  }
  return latency::highestOf(kBuckets - 1);
}

std::vector<std::pair<int64_t, int64_t>> LatencyDistribution::cumulative() const {
  std::vector<std::pair<int64_t, int64_t>> limits;
  int64_t limit = 1024;  // the first, in nanoseconds
  int64_t seen = 0;
  int64_t told = 0;
  for (size_t i = 0; i < counts_.size() && told < total_; ++i) {
    seen += counts_[i];
    if (latency::lowestOf(i) < limit && i + 1 < counts_.size()) continue;
    limit *= 2;
    if (seen == told) continue;
    limits.emplace_back(latency::highestOf(i) / 1000, seen);
    told = seen;
  }
  return limits;
}

LatencyHistogram::~LatencyHistogram() {
  for (auto& part : parts_) delete part.load(std::memory_order_relaxed);
}

LatencyHistogram::Part* LatencyHistogram::makePart(size_t doubling) {
  auto part = std::make_unique<Part>();
  parts_[doubling].store(part.get(), std::memory_order_release);
  return part.release();
}

void LatencyHistogram::addTo(LatencyDistribution& distribution) const {
  for (size_t doubling = 0; doubling < kDoublings; ++doubling) {
    const Part* part = parts_[doubling].load(std::memory_order_acquire);
    if (part == nullptr) continue;
    for (size_t i = 0; i < kPerDoubling; ++i) {
      const int64_t count = (*part)[i].load(std::memory_order_relaxed);
      if (count != 0) distribution.add(doubling * kPerDoubling + i, count);
    }
  }
}

}  // namespace vigil::ds
