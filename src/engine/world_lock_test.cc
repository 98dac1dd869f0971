#include "engine/world_lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>
#include <thread>
#include <vector>

namespace vigil::engine {
namespace {

TEST(WorldLockTest, SharedSidesDoNotExcludeEachOther) {
  WorldLock world(2);
  EXPECT_TRUE(world.tryEnter(0));
  EXPECT_TRUE(world.tryEnter(1));
  EXPECT_FALSE(world.claimed());
  world.leave(0);
  world.leave(1);
}

TEST(WorldLockTest, AClaimBarsNewHoldersAndWaitsForTheOldOnes) {
  WorldLock world(3);
  int owner = 0;
  int reader = 0;
  ASSERT_TRUE(world.tryEnter(1));
  ASSERT_FALSE(world.tryExclusive(0));
  ASSERT_TRUE(world.waitExclusive(0, [&] { ++owner; }));
  EXPECT_TRUE(world.claimed());
  EXPECT_FALSE(world.tryEnter(2));
  ASSERT_TRUE(world.waitEnter([&] { ++reader; }));
  EXPECT_EQ(owner, 0);
  world.leave(1);
  EXPECT_EQ(owner, 1);
  ASSERT_TRUE(world.tryExclusive(0));
  EXPECT_EQ(reader, 0);
  world.releaseExclusive();
  EXPECT_EQ(reader, 1);
  EXPECT_TRUE(world.tryEnter(2));
  world.leave(2);
}

TEST(WorldLockTest, WakersAreKeptOnlyWhereThereIsSomethingToWaitFor) {
  WorldLock world(2);
  WorldLock::Wake wake = [] {};
  EXPECT_FALSE(world.waitEnter(std::move(wake)));
  EXPECT_FALSE(world.waitExclusive(0, std::move(wake)));
  EXPECT_TRUE(static_cast<bool>(wake)) << "not moved from: it serves for the next try";
}

TEST(WorldLockTest, AllTasksOfTheClaimingWorkerAreWoken) {
  WorldLock world(2);
  int first = 0;
  int second = 0;
  ASSERT_TRUE(world.tryEnter(1));
  ASSERT_FALSE(world.tryExclusive(0));
  ASSERT_TRUE(world.waitExclusive(0, [&] { ++first; }));
  ASSERT_TRUE(world.waitExclusive(0, [&] { ++second; }));
  world.leave(1);
  EXPECT_EQ(first + second, 2);
}

TEST(WorldLockTest, AClaimThatNobodyWaitsForIsDropped) {
  WorldLock world(2);
  int woken = 0;
  int reader = 0;
  ASSERT_TRUE(world.tryEnter(1));
  ASSERT_FALSE(world.tryExclusive(0));
  ASSERT_TRUE(world.waitExclusive(0, [&] { ++woken; }));
  world.dropClaim(0);
  EXPECT_TRUE(world.claimed()) << "somebody still waits with it";
  ASSERT_TRUE(world.waitEnter([&] { ++reader; }));
  world.leave(1);
  ASSERT_EQ(woken, 1);
  world.dropClaim(1);
  EXPECT_TRUE(world.claimed()) << "not that worker's claim";
  world.dropClaim(0);
  EXPECT_FALSE(world.claimed());
  EXPECT_EQ(reader, 1);
}

// Threads take both sides in turns. Whoever waits is woken, and nobody sees a change that is under way.
TEST(WorldLockTest, NobodyIsForgottenUnderContention) {
  constexpr size_t kWorkers = 4;
  constexpr int kRounds = 20000;
  WorldLock world(kWorkers);
  uint64_t first = 0;
  uint64_t second = 0;
  std::atomic<int> torn{0};
  auto enter = [&](size_t worker) {
    std::binary_semaphore woken(0);
    while (!world.tryEnter(worker)) {
      if (world.waitEnter([&] { woken.release(); })) woken.acquire();
    }
  };
  auto enterExclusive = [&](size_t worker) {
    std::binary_semaphore woken(0);
    while (!world.tryExclusive(worker)) {
      if (world.waitExclusive(worker, [&] { woken.release(); })) woken.acquire();
    }
  };
  auto work = [&](size_t worker) {
    for (int i = 0; i < kRounds; ++i) {
      if (static_cast<size_t>(i) % kWorkers == worker) {
        enterExclusive(worker);
        ++first;
        if (i % 64 == 0) std::this_thread::yield();
        ++second;
        world.releaseExclusive();
      } else {
        enter(worker);
        if (first != second) torn.fetch_add(1);
        world.leave(worker);
      }
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kWorkers; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(torn.load(), 0);
  EXPECT_EQ(first, uint64_t{kRounds});
  EXPECT_FALSE(world.claimed());
}

}  // namespace
}  // namespace vigil::engine
