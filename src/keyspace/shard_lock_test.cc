#include "keyspace/shard_lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>
#include <thread>
#include <vector>

namespace vigil::keyspace {
namespace {

// ASSERT_TRUE hides from the thread-safety analysis what tryLock() returned.
class ShardLockTest : public testing::Test {
 protected:
  static void unlock(ShardLock& lock) NO_THREAD_SAFETY_ANALYSIS { lock.unlock(); }
};

TEST_F(ShardLockTest, IsHeldByOne) {
  ShardLock lock;
  ASSERT_TRUE(lock.tryLock());
  EXPECT_FALSE(lock.tryLock());
  EXPECT_FALSE(lock.trySpin());
  unlock(lock);
  EXPECT_TRUE(lock.trySpin());
  unlock(lock);
}

TEST_F(ShardLockTest, UnlockWakesAllWhoWait) {
  ShardLock lock;
  ASSERT_TRUE(lock.tryLock());
  int woken = 0;
  EXPECT_TRUE(lock.waitFor([&] { ++woken; }));
  EXPECT_TRUE(lock.waitFor([&] { ++woken; }));
  EXPECT_EQ(woken, 0);
  unlock(lock);
  EXPECT_EQ(woken, 2);
  EXPECT_FALSE(lock.waitFor([&] { ++woken; })) << "nobody holds it: try again instead";
  ASSERT_TRUE(lock.tryLock());
  unlock(lock);
  EXPECT_EQ(woken, 2);
}

// Whoever waits is woken, and what the lock guards is never touched by two.
TEST_F(ShardLockTest, NobodyIsForgottenUnderContention) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 3000;
  ShardLock lock;
  uint64_t guarded = 0;
  auto work = [&] {
    for (int i = 0; i < kRounds; ++i) {
      std::binary_semaphore woken(0);
      while (!(i % 2 == 0 ? lock.tryLock() : lock.trySpin())) {
        if (lock.waitFor([&] { woken.release(); })) woken.acquire();
      }
      ++guarded;
      if (i % 64 == 0) std::this_thread::yield();
      unlock(lock);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(guarded, uint64_t{kThreads} * kRounds);
}

}  // namespace
}  // namespace vigil::keyspace
