#include "runtime/machine_loop.h"

#include <thread>
#include <vector>

#include "runtime/test_machine.h"

namespace vigil::runtime {
namespace {

class MachineLoopTest : public MachineTest, public testing::WithParamInterface<PollerKind> {
 protected:
  MachineLoopTest() : MachineTest(GetParam()) {}
};

INSTANTIATE_TEST_SUITE_P(Reactors, MachineLoopTest, testing::Values(PollerKind::kEpoll, PollerKind::kUring),
                         [](const auto& parameter) { return reactorName(parameter.param); });

TEST_P(MachineLoopTest, RunsPostsOfOneThreadInOrder) {
  std::vector<int> ran;
  for (int i = 0; i < 100; ++i) {
    loop_.post([&ran, i] { ran.push_back(i); });
  }
  EXPECT_TRUE(runUntil([&] { return ran.size() == 100; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[static_cast<size_t>(i)], i);
}

TEST_P(MachineLoopTest, WakesForPostsOfManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  LoopThread worker(machine_.clock(), "vigil-w0", reactor_);
  worker.start();
  std::vector<int> last(kThreads, -1);  // touched on the loop's thread alone
  int total = 0;
  bool inOrder = true;
  std::vector<std::thread> posters;
  for (int t = 0; t < kThreads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        worker.loop().post([&, t, i] {
          inOrder &= last[static_cast<size_t>(t)] == i - 1;
          last[static_cast<size_t>(t)] = i;
          ++total;
        });
        if (i % 64 == 0) std::this_thread::yield();
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
  worker.stop();
  EXPECT_EQ(total, kThreads * kPosts);
  EXPECT_TRUE(inOrder);
}

TEST_P(MachineLoopTest, TwoLoopsPlayBallWithoutLosingAWakeup) {
  LoopThread a(machine_.clock(), "vigil-w0", reactor_);
  LoopThread b(machine_.clock(), "vigil-w1", reactor_);
  std::atomic<int> hits{0};
  std::function<void(LoopThread&, LoopThread&)> hit = [&](LoopThread& from, LoopThread& to) {
    if (++hits < 5000) to.loop().post([&] { hit(to, from); });
  };
  a.start();
  b.start();
  a.loop().post([&] { hit(a, b); });
  for (int i = 0; i < 20000 && hits < 5000; ++i) usleep(1000);
  EXPECT_EQ(hits, 5000);
  a.stop();
  b.stop();
}

TEST_P(MachineLoopTest, TimersComeInOrderAndNeverEarly) {
  std::vector<int> ran;
  const MonoUs start = machine_.clock().mono();
  MonoUs lastAt = 0;
  loop_.after(20'000, [&] {
    ran.push_back(2);
    lastAt = machine_.clock().mono();
  });
  loop_.after(5'000, [&] { ran.push_back(1); });
  const TimerId never = loop_.after(10'000, [&] { ran.push_back(9); });
  loop_.cancel(never);
  EXPECT_TRUE(runUntil([&] { return ran.size() == 2; }));
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
  EXPECT_GE(lastAt - start, 20'000);
}

TEST_P(MachineLoopTest, ATimerThatNeverComesHoldsUpNoOther) {
  bool ran = false;
  const TimerId never = loop_.after(INT64_MAX, [] { FAIL() << "the clock does not reach so far"; });
  loop_.after(1000, [&] { ran = true; });
  EXPECT_TRUE(runUntil([&] { return ran; }));
  loop_.cancel(never);
}

TEST_P(MachineLoopTest, HookThatHasMoreToDoKeepsTheLoopAwake) {
  int calls = 0;
  loop_.setBeforeSleep([&] {
    if (++calls == 50) loop_.stop();
    return calls < 50;
  });
  loop_.run();
  EXPECT_GE(calls, 50);
}

TEST_P(MachineLoopTest, KnowsItsThread) {
  EXPECT_TRUE(loop_.onLoopThread());
  LoopThread worker(machine_.clock(), "vigil-w0", reactor_);
  worker.start();
  std::atomic<bool> inside{false};
  worker.loop().post([&] { inside = worker.loop().onLoopThread(); });
  std::atomic<bool> taken{false};
  worker.loop().post([&] { taken = true; });
  while (!taken) std::this_thread::yield();
  EXPECT_FALSE(worker.loop().onLoopThread());
  worker.stop();
  EXPECT_TRUE(inside);
  EXPECT_TRUE(worker.loop().onLoopThread());
}

TEST_P(MachineLoopTest, TasksThatNeverRanAreGivenBack) {
  auto owned = std::make_shared<int>(0);
  {
    MachineLoop loop(machine_.clock(), reactor_);
    loop.post([owned] {});
    loop.after(1'000'000, [owned] {});
    EXPECT_EQ(owned.use_count(), 3);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace vigil::runtime
