// operator new and delete as replaced by allocator.cc, seen through base/memory.h.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "base/memory.h"

namespace vigil {
namespace {

constexpr size_t kBlock = 1 << 20;

TEST(UsedMemory, GrowsAndShrinksWithEveryFormOfNew) {
  struct alignas(128) Wide {
    char bytes[256];
  };
  const int64_t before = usedMemory();
  {
    auto one = std::make_unique<std::string>(kBlock, 'x');
    EXPECT_GE(usedMemory() - before, int64_t{kBlock});
    auto many = std::make_unique<char[]>(kBlock);
    EXPECT_GE(usedMemory() - before, int64_t{2 * kBlock});
    std::vector<Wide> wide(kBlock / sizeof(Wide));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(wide.data()) % 128, 0u);
    EXPECT_GE(usedMemory() - before, int64_t{3 * kBlock});
    std::unique_ptr<char[]> quiet(new (std::nothrow) char[kBlock]);
    EXPECT_GE(usedMemory() - before, int64_t{4 * kBlock});
    EXPECT_LT(usedMemory() - before, int64_t{6 * kBlock});
  }
  EXPECT_LT(usedMemory() - before, 1024);
}

TEST(UsedMemory, TellsWhatABlockReallyTakes) {
  auto block = std::make_unique<char[]>(100);
  EXPECT_GE(allocatedSize(block.get()), 100u);
  EXPECT_LE(allocatedSize(block.get()), 128u);
}

TEST(UsedMemory, SurvivesTheThreadsThatAllocated) {
  const int64_t before = usedMemory();
  std::vector<std::unique_ptr<char[]>> blocks(300);
  // More threads than there are slots, in waves; what they allocate outlives them.
  for (size_t wave = 0; wave < blocks.size(); wave += 30) {
    std::vector<std::thread> threads;
    for (size_t i = wave; i < wave + 30; ++i) {
      threads.emplace_back([&blocks, i] { blocks[i] = std::make_unique<char[]>(10'000); });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_GE(usedMemory() - before, 300 * 10'000);
  blocks.clear();
  EXPECT_LT(usedMemory() - before, 64 * 1024);
}

TEST(UsedMemory, ManyThreadsAtOnceLoseNothing) {
  const int64_t before = usedMemory();
  std::vector<std::thread> threads;
  for (int t = 0; t < 200; ++t) {  // some of them share the last slot
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) std::make_unique<std::string>(static_cast<size_t>(i * 10), 'x');
    });
  }
  for (std::thread& thread : threads) thread.join();
  threads = std::vector<std::thread>();
  EXPECT_LT(std::abs(usedMemory() - before), 64 * 1024);
}

TEST(UsedMemory, AnAccountCountsApart) {
  MemoryAccount node;
  std::unique_ptr<char[]> block;
  const int64_t before = usedMemory();
  {
    MemoryAccountScope scope(node);
    block = std::make_unique<char[]>(kBlock);
    EXPECT_EQ(usedMemory(), node.used());
  }
  EXPECT_GE(node.used(), int64_t{kBlock});
  EXPECT_LT(usedMemory() - before, 1024);
  {
    MemoryAccountScope scope(node);
    block.reset();
  }
  EXPECT_EQ(node.used(), 0);
}

}  // namespace
}  // namespace vigil
