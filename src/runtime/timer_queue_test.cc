#include "runtime/timer_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

namespace vigil::runtime {
namespace {

std::vector<int> runDue(TimerQueue& timers, std::vector<int>& ran, MonoUs now) {
  ran.clear();
  const uint64_t horizon = timers.sequence();
  while (Task task = timers.takeDue(now, horizon)) task();
  return ran;
}

TEST(TimerQueue, RunsInOrderOfDueTimeThenOfCreation) {
  TimerQueue timers;
  std::vector<int> ran;
  timers.add(30, [&] { ran.push_back(1); });
  timers.add(10, [&] { ran.push_back(2); });
  timers.add(20, [&] { ran.push_back(3); });
  timers.add(10, [&] { ran.push_back(4); });
  EXPECT_EQ(timers.firstDue(), 10);
  EXPECT_EQ(runDue(timers, ran, 9), (std::vector<int>{}));
  EXPECT_EQ(runDue(timers, ran, 20), (std::vector<int>{2, 4, 3}));
  EXPECT_EQ(runDue(timers, ran, 100), (std::vector<int>{1}));
  EXPECT_EQ(timers.firstDue(), std::nullopt);
}

TEST(TimerQueue, CancelForgetsOneAndAnUsedIdHarmsNobody) {
  TimerQueue timers;
  std::vector<int> ran;
  auto owned = std::make_shared<int>(0);
  const TimerId first = timers.add(10, [&, owned] { ran.push_back(1); });
  EXPECT_EQ(owned.use_count(), 2);
  timers.cancel(first);
  EXPECT_EQ(owned.use_count(), 1) << "what a cancelled task owned is given back at once";
  const TimerId second = timers.add(10, [&] { ran.push_back(2); });  // takes the first one's slot
  timers.cancel(first);
  timers.cancel(0);
  timers.cancel(~TimerId{0});
  EXPECT_EQ(runDue(timers, ran, 10), (std::vector<int>{2}));
  timers.cancel(second);
  EXPECT_EQ(timers.size(), 0u);
}

TEST(TimerQueue, AddedWhileRunningWaitsForTheNextTime) {
  TimerQueue timers;
  std::vector<int> ran;
  timers.add(10, [&] {
    ran.push_back(1);
    timers.add(5, [&] { ran.push_back(2); });
  });
  EXPECT_EQ(runDue(timers, ran, 10), (std::vector<int>{1}));
  EXPECT_EQ(runDue(timers, ran, 10), (std::vector<int>{2}));
}

TEST(TimerQueue, ManyRandomAddsAndCancelsKeepTheOrder) {
  std::mt19937 random(7);
  TimerQueue timers;
  std::vector<std::pair<MonoUs, int>> expected;
  std::vector<TimerId> ids;
  std::vector<int> ran;
  for (int i = 0; i < 2000; ++i) {
    const MonoUs due = static_cast<MonoUs>(random() % 500);
    ids.push_back(timers.add(due, [&ran, i] { ran.push_back(i); }));
    expected.emplace_back(due, i);
  }
  for (int i = 1999; i >= 0; i -= 3) {
    timers.cancel(ids[static_cast<size_t>(i)]);
    expected.erase(expected.begin() + i);
  }
  std::sort(expected.begin(), expected.end());
  std::vector<int> order;
  for (auto& [due, i] : expected) order.push_back(i);
  EXPECT_EQ(runDue(timers, ran, 1000), order);
}

}  // namespace
}  // namespace vigil::runtime
