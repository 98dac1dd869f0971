// The simulator's own tests: a seed replays, checkers see what they must, the disk does what it says. That each planted
// bug is found is tested by tools/test.
#include <gtest/gtest.h>

#include "sim/scenario.h"

namespace vigil::sim {
namespace {

TEST(SimTest, ASeedReplaysExactly) {
  for (const Scenario& scenario : scenarios()) {
    for (uint64_t seed : {1, 2, 3, 17}) {
      Outcome first = runScenario(scenario, seed);
      Outcome second = runScenario(scenario, seed);
      EXPECT_EQ(first.traceHash, second.traceHash) << scenario.name << " seed " << seed;
      EXPECT_EQ(first.events, second.events) << scenario.name << " seed " << seed;
      EXPECT_NE(first.traceHash, runScenario(scenario, seed + 1000).traceHash);
    }
  }
}

Operation operation(SimTime called, SimTime answered, Words command, std::string answer) {
  Operation made;
  made.called = called;
  made.answered = answered;
  made.commands = {std::move(command)};
  if (answered != kNeverAnswered) made.answers = {std::move(answer)};
  return made;
}

TEST(HistoryTest, OverlappingOperationsMayHappenInAnyOrder) {
  EXPECT_TRUE(
      checkLinearizable({operation(0, 10, {"SET", "k", "a"}, "+OK"), operation(0, 10, {"GET", "k"}, "(nil)")}).holds);
  EXPECT_TRUE(
      checkLinearizable({operation(0, 10, {"SET", "k", "a"}, "+OK"), operation(0, 10, {"GET", "k"}, "$a")}).holds);
}

TEST(HistoryTest, AReadAfterAnAnsweredWriteMustSeeIt) {
  EXPECT_FALSE(
      checkLinearizable({operation(0, 10, {"SET", "k", "a"}, "+OK"), operation(11, 12, {"GET", "k"}, "(nil)")}).holds);
}

TEST(HistoryTest, AnUnansweredWriteHappenedOrNotButStays) {
  auto lost = operation(0, kNeverAnswered, {"SET", "k", "a"}, "");
  EXPECT_TRUE(checkLinearizable({lost, operation(20, 21, {"GET", "k"}, "(nil)")}).holds);
  EXPECT_TRUE(checkLinearizable({lost, operation(20, 21, {"GET", "k"}, "$a")}).holds);
  EXPECT_FALSE(
      checkLinearizable({lost, operation(20, 21, {"GET", "k"}, "$a"), operation(22, 23, {"GET", "k"}, "(nil)")}).holds);
}

TEST(HistoryTest, AKeyExpiresOnceAndInTime) {
  auto set = operation(0, 1000, {"SET", "k", "a", "PX", "10"}, "+OK");
  auto alive = [](SimTime at) { return operation(at, at + 100, {"GET", "k"}, "$a"); };
  auto dead = [](SimTime at) { return operation(at, at + 100, {"GET", "k"}, "(nil)"); };
  EXPECT_TRUE(checkLinearizable({set, alive(2000), dead(20000)}).holds);
  EXPECT_FALSE(checkLinearizable({set, dead(2000)}).holds);
  EXPECT_FALSE(checkLinearizable({set, alive(20000)}).holds);
  EXPECT_FALSE(checkLinearizable({set, dead(10500), alive(10800)}).holds);
}

TEST(HistoryTest, ALongHistoryNeedsNoStack) {
  std::vector<Operation> history;
  for (SimTime i = 0; i < 60'000; ++i) {
    const std::string value = std::to_string(i);
    history.push_back(operation(10 * i, 10 * i + 9, {"SET", "k", value}, "+OK"));
  }
  history.push_back(operation(700'000, 700'001, {"GET", "k"}, "$59999"));
  EXPECT_TRUE(checkLinearizable(history).holds);
  history.back().answers = {"$59998"};
  EXPECT_FALSE(checkLinearizable(history).holds);
}

class SimDiskTest : public testing::Test {
 protected:
  SimWorld world_{7};
  SimDisk disk_{world_};
  ProcessPtr process_ = std::make_shared<SimProcess>(world_, "test");
  SimFileSystem files_{disk_, process_};
};

TEST_F(SimDiskTest, APowerLossKeepsWhatWasSynced) {
  for (int round = 0; round < 50; ++round) {
    std::string path = "file" + std::to_string(round);
    auto file = files_.open(path, FileSystem::Open::kAppendOrCreate, 0644);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->append("synced"));
    ASSERT_TRUE((*file)->sync());
    ASSERT_TRUE(files_.syncDir("."));
    ASSERT_TRUE((*file)->append("not synced"));
    disk_.losePower();
    std::string left = disk_.content(path);
    EXPECT_TRUE(left.starts_with("synced"));
    EXPECT_LE(left.size(), std::string("syncednot synced").size());
  }
}

TEST_F(SimDiskTest, AFileWhoseFolderWasNotSyncedMayBeGone) {
  int gone = 0;
  for (int round = 0; round < 50; ++round) {
    std::string path = "file" + std::to_string(round);
    auto file = files_.open(path, FileSystem::Open::kAppendOrCreate, 0644);
    ASSERT_TRUE((*file)->append("bytes"));
    ASSERT_TRUE((*file)->sync());
    disk_.losePower();
    gone += files_.exists(path) ? 0 : 1;
  }
  EXPECT_GT(gone, 10);
  EXPECT_LT(gone, 40);
}

TEST_F(SimDiskTest, WhatAFailedSyncDroppedStaysLostAfterOneThatSucceeds) {
  auto file = files_.open("file", FileSystem::Open::kAppendOrCreate, 0644);
  ASSERT_TRUE(files_.syncDir("."));
  ASSERT_TRUE((*file)->append("bytes"));
  disk_.faults.syncError = 1;
  EXPECT_FALSE((*file)->sync());
  disk_.faults.syncError = 0;
  EXPECT_TRUE((*file)->sync());
  disk_.losePower();
  EXPECT_EQ(disk_.content("file"), std::string(5, '\0'));
}

}  // namespace
}  // namespace vigil::sim
