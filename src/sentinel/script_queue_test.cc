#include "sentinel/script_queue.h"

#include <gtest/gtest.h>

namespace vigil::sentinel {
namespace {

class ScriptQueueTest : public testing::Test {
 protected:
  // Starts what is due; returns how many that were.
  size_t startDue() {
    const auto due = queue.due(now);
    for (const auto& job : due) queue.started(job.number, now, static_cast<int64_t>(1000 + job.number));
    return due.size();
  }

  MonoUs now = ms(1);
  TimeConstants times;
  ScriptQueue queue;
};

TEST_F(ScriptQueueTest, SixteenAtOnce) {
  for (int i = 0; i < 20; ++i) queue.add(now, {"/s"});
  EXPECT_EQ(startDue(), 16u);
  EXPECT_EQ(startDue(), 0u);
  EXPECT_FALSE(queue.ended(1, now, 0, 0, times));
  EXPECT_EQ(startDue(), 1u);
  EXPECT_EQ(queue.jobs().size(), 19u);
}

TEST_F(ScriptQueueTest, ExitOneIsTriedAgainLaterAndLater) {
  queue.add(now, {"/s"});
  for (int i = 0; i < ScriptQueue::kMostTries; ++i) {
    EXPECT_EQ(startDue(), 1u);
    EXPECT_FALSE(queue.ended(1, now, 1, 0, times));
    now += (ms(times.scriptRetryDelay) << i) - 1;
    EXPECT_EQ(startDue(), 0u);
    ++now;
  }
  EXPECT_EQ(startDue(), 1u);
  EXPECT_TRUE(queue.ended(1, now, 1, 0, times)) << "given up";
  EXPECT_TRUE(queue.jobs().empty());
}

TEST_F(ScriptQueueTest, ExitTwoIsAnError) {
  queue.add(now, {"/s"});
  startDue();
  EXPECT_TRUE(queue.ended(1, now, 2, 0, times));
  EXPECT_TRUE(queue.jobs().empty());
}

TEST_F(ScriptQueueTest, OverdueOnceAndThenTriedAgain) {
  queue.add(now, {"/s"});
  startDue();
  now += ms(times.scriptMaxRuntime);
  EXPECT_TRUE(queue.overdue(now, times).empty());
  now += 1;
  EXPECT_EQ(queue.overdue(now, times).size(), 1u);
  EXPECT_TRUE(queue.overdue(now, times).empty());
  EXPECT_FALSE(queue.ended(1, now, 0, 9, times));
  EXPECT_EQ(queue.jobs().size(), 1u);
}

TEST_F(ScriptQueueTest, TheOldestThatWaitsMakesRoom) {
  for (size_t i = 0; i < ScriptQueue::kMost; ++i) queue.add(now, {std::to_string(i)});
  startDue();
  queue.add(now, {"new"});
  EXPECT_EQ(queue.jobs().size(), ScriptQueue::kMost);
  EXPECT_EQ(queue.jobs()[16].words[0], "17") << "16 run, the 17th has gone";
  EXPECT_EQ(queue.jobs().back().words[0], "new");
}

}  // namespace
}  // namespace vigil::sentinel
