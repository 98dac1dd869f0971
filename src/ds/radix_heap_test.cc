#include "ds/radix_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace vigil::ds {
namespace {

std::vector<uint32_t> popAll(RadixHeap& heap, uint32_t now) {
  std::vector<uint32_t> payloads;
  while (heap.popDue(
      now, [&](uint32_t, uint32_t payload) { payloads.push_back(payload); }, 100)) {
  }
  std::sort(payloads.begin(), payloads.end());
  return payloads;
}

TEST(RadixHeap, GivesWhatIsDueAndKeepsTheRest) {
  RadixHeap heap;
  heap.push(10, 1);
  heap.push(11, 2);
  heap.push(UINT32_MAX, 3);
  EXPECT_EQ(popAll(heap, 9), std::vector<uint32_t>{});
  EXPECT_EQ(popAll(heap, 10), std::vector<uint32_t>{1});
  heap.push(4, 4);  // long past
  EXPECT_EQ(popAll(heap, 11), (std::vector<uint32_t>{2, 4}));
  EXPECT_EQ(popAll(heap, UINT32_MAX - 1), std::vector<uint32_t>{});
  EXPECT_EQ(popAll(heap, UINT32_MAX), std::vector<uint32_t>{3});
  EXPECT_EQ(heap.memoryUsage(), 0u);
}

TEST(RadixHeap, AClockThatGoesBackStandsStill) {
  RadixHeap heap;
  EXPECT_EQ(popAll(heap, 100), std::vector<uint32_t>{});
  heap.push(90, 1);
  EXPECT_EQ(popAll(heap, 50), std::vector<uint32_t>{1});
}

TEST(RadixHeap, ABudgetBoundsWhatOneCallTakes) {
  RadixHeap heap;
  for (uint32_t i = 0; i < 1000; ++i) heap.push(500 + i, i);
  size_t taken = 0;
  size_t calls = 0;
  while (heap.popDue(
      1100, [&](uint32_t deadline, uint32_t) { taken += deadline <= 1100 ? 1 : 1000; }, 10)) {
    ++calls;
    heap.checkInvariants();
    ASSERT_LE(taken, calls * 10);
  }
  EXPECT_EQ(taken, 601u);
  EXPECT_EQ(heap.size(), 399u);
}

TEST(RadixHeap, TheCallbackMayPush) {
  RadixHeap heap;
  heap.push(5, 0);
  uint32_t last = 0;
  while (heap.popDue(
      50,
      [&](uint32_t deadline, uint32_t payload) {
        last = deadline;
        heap.push(deadline + 10, payload + 1);
      },
      3)) {
  }
  EXPECT_EQ(last, 45u);
  EXPECT_EQ(heap.size(), 1u);
}

TEST(RadixHeap, CostsAboutEightBytesAnElement) {
  RadixHeap heap;
  std::mt19937 random(1);
  for (uint32_t i = 0; i < 100'000; ++i) heap.push(random() % 10'000'000, i);
  EXPECT_LT(heap.memoryUsage(), 100'000u * 8 + 80'000u);
  RadixHeap small;
  small.push(1000, 1);
  EXPECT_LT(small.memoryUsage(), 700u);
  RadixHeap moved = std::move(heap);
  EXPECT_EQ(heap.size(), 0u);
  EXPECT_EQ(moved.size(), 100'000u);
  moved = std::move(small);
  EXPECT_EQ(popAll(moved, 1000), std::vector<uint32_t>{1});
}

TEST(RadixHeap, AgreesWithAnOrderedMapUnderRandomUse) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    RadixHeap heap;
    std::multimap<uint32_t, uint32_t> model;
    uint32_t now = random() % 1000;
    for (uint32_t step = 0; step < 2000; ++step) {
      const uint32_t spread = 1u << (random() % 20);
      for (uint32_t n = random() % 8; n > 0; --n) {
        const uint32_t deadline = now + random() % spread;
        heap.push(deadline, step);
        model.emplace(deadline, step);
      }
      now += random() % 4 == 0 ? random() % (1u << (random() % 16)) : 0;
      const bool more = heap.popDue(
          now,
          [&](uint32_t deadline, uint32_t payload) {
            ASSERT_LE(deadline, now);
            auto [at, end] = model.equal_range(deadline);
            while (at != end && at->second != payload) ++at;
            ASSERT_NE(at, end);
            model.erase(at);
          },
          random() % 50);
      if (!more) {
        ASSERT_TRUE(model.empty() || model.begin()->first > now);
      }
      ASSERT_EQ(heap.size(), model.size());
      heap.checkInvariants();
    }
  }
}

}  // namespace
}  // namespace vigil::ds
