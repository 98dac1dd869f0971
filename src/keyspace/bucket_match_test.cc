#include "keyspace/bucket_match.h"

#include <gtest/gtest.h>

#include <random>

namespace vigil::keyspace {
namespace {

constexpr int kTagShift = 49;
constexpr uint64_t kTags = uint64_t{1} << 15;

TEST(SlotsWithTag, FindsWhatASlowLookFinds) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 10'000; ++round) {
    Bucket bucket;
    const uint64_t few = round % 2 == 0 ? 3 : kTags;  // so that several slots have one tag, 0 among them
    for (uint64_t& slot : bucket.slots) {
      slot = random() % 4 == 0 ? 0 : random() % few << kTagShift | random() >> (64 - kTagShift);
    }
    bucket.version = static_cast<uint32_t>(random());
    bucket.overflow = static_cast<uint32_t>(random());
    const uint64_t tag = random() % few;
    uint32_t expected = 0;
    for (int i = 0; i < Bucket::kSlots; ++i) {
      if (bucket.slots[i] >> kTagShift == tag) expected |= 1U << i;
    }
    EXPECT_EQ(slotsWithTag(bucket, tag), expected);
  }
}

TEST(SlotsWithTag, TheLastWordIsNoSlot) {
  Bucket bucket{};
  for (uint64_t& slot : bucket.slots) slot = uint64_t{1} << kTagShift;
  bucket.version = bucket.overflow = 0;
  EXPECT_EQ(slotsWithTag(bucket, 0), 0U);
  EXPECT_EQ(slotsWithTag(bucket, 1), 0x7fU);
  EXPECT_EQ(slotsWithTag(bucket, kTags - 1), 0U);
}

}  // namespace
}  // namespace vigil::keyspace
