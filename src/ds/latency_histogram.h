// How often something took how long: times from 1 ns to 1 s, each known to within 1%.
//
// The buckets are those of a HdrHistogram with two significant digits, so that percentiles read as Redis's do:
//
//   times of 0 … 255 ns      a bucket each
//   then for each doubling   128 buckets: 256 … 511 by 2, 512 … 1023 by 4, …
//
// LatencyHistogram counts: one thread adds, any thread may read meanwhile. LatencyDistribution is what was read, to be
// summed, subtracted and asked.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace vigil::ds {

namespace latency {
inline constexpr int64_t kLongest = 1'000'000'000;  // whatever took longer counts as this
inline constexpr size_t kPerDoubling = 128;
inline constexpr size_t kDoublings = 24;  // of kPerDoubling buckets each; the first two are 0 … 127 and 128 … 255
inline constexpr size_t kBuckets = kDoublings * kPerDoubling;

inline size_t bucketOf(int64_t nanos) {
  const auto value = static_cast<uint64_t>(std::clamp<int64_t>(nanos, 1, kLongest));
  const auto doubling = static_cast<size_t>(std::bit_width(value | 255) - 8);
  return doubling * kPerDoubling + static_cast<size_t>(value >> doubling);
}
int64_t lowestOf(size_t bucket);   // the shortest time that falls into it
int64_t highestOf(size_t bucket);  // the longest
}  // namespace latency

class LatencyDistribution {
 public:
  bool empty() const { return total_ == 0; }
  int64_t total() const { return total_; }
  void add(size_t bucket, int64_t count) {
    if (counts_.empty()) counts_.resize(latency::kBuckets);
    counts_[bucket] += count;
    total_ += count;
  }
  void add(const LatencyDistribution& other);
  void subtract(const LatencyDistribution& other);  // which is part of this one

  // The time that `percent` of all did not exceed, in nanoseconds. Not when empty().
  int64_t percentile(double percent) const;
  // LATENCY HISTOGRAM: for limits that double, in microseconds, how many took no longer. A limit that adds none is left
  // out.
  std::vector<std::pair<int64_t, int64_t>> cumulative() const;

 private:
  std::vector<int64_t> counts_;  // by bucket; empty while nothing was added
  int64_t total_ = 0;
};

class LatencyHistogram {
 public:
  LatencyHistogram() = default;
  ~LatencyHistogram();
  LatencyHistogram(const LatencyHistogram&) = delete;
  LatencyHistogram& operator=(const LatencyHistogram&) = delete;

  void add(int64_t nanos) {
    const size_t bucket = latency::bucketOf(nanos);
    Part* part = parts_[bucket / latency::kPerDoubling].load(std::memory_order_relaxed);
    if (part == nullptr) [[unlikely]] part = makePart(bucket / latency::kPerDoubling);
    auto& count = (*part)[bucket % latency::kPerDoubling];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void addTo(LatencyDistribution& distribution) const;  // any thread

 private:
  // Few of the doublings are ever met by one command: each has its counters once it is.
  using Part = std::array<std::atomic<int64_t>, latency::kPerDoubling>;
  Part* makePart(size_t doubling);

  std::array<std::atomic<Part*>, latency::kDoublings> parts_{};
};

}  // namespace vigil::ds
