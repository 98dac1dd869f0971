#include "runtime/memory_return.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "base/memory.h"
#include "runtime/host_facts.h"

namespace vigil::runtime {
namespace {

constexpr int64_t kMb = 1 << 20;

TEST(MemoryReturn, HurriesOnlyWhileMuchMoreIsHeldThanUsed) {
  MemoryReturn memory;
  EXPECT_FALSE(memory.step(500 * kMb, 520 * kMb));
  EXPECT_FALSE(memory.atOnce());
  EXPECT_TRUE(memory.step(300 * kMb, 520 * kMb));
  EXPECT_TRUE(memory.atOnce());
  EXPECT_FALSE(memory.step(300 * kMb, 500 * kMb)) << "asked once for what was freed once";
  EXPECT_TRUE(memory.step(200 * kMb, 500 * kMb));
  EXPECT_FALSE(memory.step(200 * kMb, 220 * kMb));
  EXPECT_FALSE(memory.atOnce());
}

TEST(MemoryReturn, WhatIsTolerableGrowsWithTheDataSet) {
  MemoryReturn memory;
  EXPECT_FALSE(memory.step(8000 * kMb, 8900 * kMb));
  EXPECT_FALSE(memory.atOnce());
}

#if !defined(VIGIL_SANITIZED)
TEST(MemoryReturn, ReleasedMemoryLeavesTheProcess) {
  std::vector<std::unique_ptr<char[]>> blocks;
  for (int i = 0; i < 300'000; ++i) blocks.push_back(std::make_unique<char[]>(500));
  const uint64_t full = residentMemory();
  blocks.clear();
  releaseMemoryToSystem();
  EXPECT_LT(residentMemory() + 75 * kMb, full);
}
#endif

}  // namespace
}  // namespace vigil::runtime
