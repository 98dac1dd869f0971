#include "ds/latency_histogram.h"

#include <gtest/gtest.h>

#include <memory>

namespace vigil::ds {
namespace {

using Limits = std::vector<std::pair<int64_t, int64_t>>;

LatencyDistribution of(std::initializer_list<int64_t> nanos) {
  auto histogram = std::make_unique<LatencyHistogram>();
  for (int64_t time : nanos) histogram->add(time);
  LatencyDistribution distribution;
  histogram->addTo(distribution);
  return distribution;
}

TEST(LatencyHistogram, EveryTimeFallsIntoTheBucketThatHoldsIt) {
  for (int64_t time = 1; time < latency::kLongest; time += 1 + time / 300) {
    const size_t bucket = latency::bucketOf(time);
    ASSERT_LT(bucket, latency::kBuckets);
    ASSERT_LE(latency::lowestOf(bucket), time);
    ASSERT_GE(latency::highestOf(bucket), time);
    ASSERT_LE(static_cast<double>(latency::highestOf(bucket) - time), 0.01 * static_cast<double>(time));
  }
  for (size_t bucket = 1; bucket < latency::kBuckets; ++bucket) {
    ASSERT_EQ(latency::lowestOf(bucket), latency::highestOf(bucket - 1) + 1);
  }
}

// What redis-server 7.0 shows for these.
TEST(LatencyHistogram, PercentilesReadAsRediss) {
  EXPECT_EQ(of({1000}).percentile(50), 1003);
  EXPECT_EQ(of({2000}).percentile(99.9), 2007);
  EXPECT_EQ(of({14000}).percentile(0), 14015);
  EXPECT_EQ(of({100117000}).percentile(100), 100139007);
  EXPECT_EQ(of({1, 2, 3, 4}).percentile(50), 2);
  EXPECT_EQ(of({1, 2, 3, 4}).percentile(75), 3);
}

TEST(LatencyHistogram, LimitsDouble) {
  EXPECT_EQ(of({300, 900, 1500, 1500, 30'000, 5'000'000'000}).cumulative(),
            (Limits{{1, 2}, {2, 4}, {33, 5}, {1073741, 6}}));
  EXPECT_TRUE(LatencyDistribution().cumulative().empty());
}

TEST(LatencyHistogram, DistributionsAddUpAndAreTakenAway) {
  auto all = of({1, 500, 70'000});
  all.add(of({500, 800'000}));
  EXPECT_EQ(all.total(), 5);
  all.subtract(of({1, 500, 70'000}));
  EXPECT_EQ(all.total(), 2);
  EXPECT_EQ(all.percentile(50), 501);
}

}  // namespace
}  // namespace vigil::ds
