#include "runtime/task_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace vigil::runtime {
namespace {

TEST(TaskPool, RunsEverythingBeforeItGoes) {
  std::atomic<int> ran{0};
  {
    ThreadTaskPool pool(3);
    std::vector<std::thread> submitters;
    for (int t = 0; t < 4; ++t) {
      submitters.emplace_back([&] {
        for (int i = 0; i < 500; ++i) pool.submit([&] { ++ran; });
      });
    }
    for (std::thread& submitter : submitters) submitter.join();
  }
  EXPECT_EQ(ran, 2000);
}

TEST(TaskPool, ASerialExecutorKeepsTheOrderAndDrains) {
  ThreadTaskPool pool(2);
  std::vector<int> ran;
  auto serial = pool.makeSerial("vigil-aof-with-a-long-name", Urgency::kPrompt);
  for (int i = 0; i < 1000; ++i) {
    serial->submit([&ran, i] { ran.push_back(i); });
  }
  serial.reset();
  ASSERT_EQ(ran.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(ran[static_cast<size_t>(i)], i);
}

TEST(TaskPool, ATaskMaySubmitAnother) {
  std::atomic<bool> ran{false};
  ThreadTaskPool pool(1);
  pool.submit([&] { pool.submit([&] { ran = true; }); });
  while (!ran) std::this_thread::yield();
}

}  // namespace
}  // namespace vigil::runtime
