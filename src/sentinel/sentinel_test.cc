// Several Sentinels over a master and its replicas, in virtual time.
#include "sentinel/sentinel.h"

#include <gtest/gtest.h>

#include "sentinel/election.h"
#include "sentinel/failover_flow.h"
#include "sentinel/virtual_world.h"

namespace vigil::sentinel {
namespace {

constexpr uint16_t kMaster = VirtualWorld::kMasterPort;
constexpr uint16_t kFirst = kMaster + 1;
constexpr uint16_t kSecond = kMaster + 2;

class SentinelTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world.runUntil([&] { return world.settled(); }, ms(5000)));
  }
  // Milliseconds until all agree on a master, 0: they do not.
  int64_t until(uint16_t port, int64_t withinMs = 5000) {
    const MonoUs from = world.now();
    return world.runUntil([&] { return world.converged(port); }, ms(withinMs)) ? (world.now() - from) / 1000 : 0;
  }
  int64_t untilSwitched(int64_t withinMs = 5000) {
    const MonoUs from = world.now();
    const bool done = world.runUntil([&] { return anySaw("+promoted-slave"); }, ms(withinMs));
    return done ? (world.now() - from) / 1000 : 0;
  }
  bool anySaw(const std::string& event) {
    for (size_t i = 0; i < world.nodes().size(); ++i) {
      if (world.saw(i, event)) return true;
    }
    return false;
  }

  VirtualWorld world{2, 3, "down-after-milliseconds 1000 failover-timeout 10000", 7};
};

TEST_F(SentinelTest, AMasterThatDiesIsReplacedInMilliseconds) {
  world.server(kSecond).offset = 200;
  world.kill(kMaster);
  const int64_t took = untilSwitched();
  EXPECT_GE(took, 800);
  EXPECT_LE(took, 1200) << "down-after, and a few milliseconds";
  EXPECT_NE(until(kSecond), 0) << "the greatest offset";
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(world.saw(i, "+odown master m 10.0.0.1 6001 #quorum"));
    EXPECT_TRUE(world.saw(i, "+switch-master m 10.0.0.1 6001 10.0.0.1 6003"));
  }
}

TEST_F(SentinelTest, AMasterThatHangsIsReplaced) {
  world.hang(kMaster);
  const int64_t took = untilSwitched();
  EXPECT_GE(took, 1000);
  EXPECT_LE(took, 1350);
  world.revive(kMaster);
  EXPECT_NE(until(kFirst), 0) << "it is made a replica at once";
  EXPECT_TRUE(anySaw("+convert-to-slave"));
}

TEST_F(SentinelTest, TheOldMasterComesBackAsAReplica) {
  world.kill(kMaster);
  ASSERT_NE(until(kFirst), 0);
  world.revive(kMaster);
  const int64_t took = until(kFirst, 3000);
  EXPECT_GT(took, 0);
  EXPECT_LE(took, 1000) << "our leader does not wait for several hellos";
}

TEST_F(SentinelTest, PriorityComesBeforeOffset) {
  world.server(kFirst).offset = 1000;
  world.server(kSecond).priority = 10;
  world.kill(kMaster);
  EXPECT_NE(until(kSecond), 0);
}

TEST_F(SentinelTest, PriorityZeroIsNeverChosen) {
  world.server(kFirst).priority = 0;
  world.server(kSecond).priority = 0;
  world.run(ms(11'000));  // an INFO later
  world.kill(kMaster);
  world.run(ms(3000));
  EXPECT_TRUE(anySaw("-failover-abort-no-good-slave"));
  EXPECT_FALSE(anySaw("+switch-master"));
}

TEST_F(SentinelTest, AReplicaOrASentinelIsOnlySubjectivelyDown) {
  world.kill(kFirst);
  world.kill(VirtualWorld::kFirstSentinelPort);
  world.run(ms(5000));
  EXPECT_TRUE(world.saw(1, "+sdown slave"));
  EXPECT_TRUE(world.saw(1, "+sdown sentinel"));
  EXPECT_FALSE(anySaw("+odown"));
}

TEST_F(SentinelTest, NoMajorityNoFailover) {
  world.kill(VirtualWorld::kFirstSentinelPort);
  world.kill(VirtualWorld::kFirstSentinelPort + 1);
  for (size_t i = 0; i < 3; ++i) world.master(i).settings.quorum = 1;
  world.kill(kMaster);
  world.run(ms(30'000));
  EXPECT_TRUE(world.saw(2, "+odown"));
  EXPECT_TRUE(world.saw(2, "-failover-abort-not-elected"));
  EXPECT_FALSE(world.saw(2, "+elected-leader"));
  world.revive(VirtualWorld::kFirstSentinelPort);
  EXPECT_NE(until(kFirst, 25'000), 0) << "elections go on";
}

TEST_F(SentinelTest, AForcedFailoverNeedsNobody) {
  world.perform(world.node(1), [&](Step& step) { EXPECT_EQ(failOver(step, world.master(1), false), ""); });
  world.perform(world.node(1), [&](Step& step) {
    EXPECT_EQ(failOver(step, world.master(1), false), "INPROG Failover already in progress");
  });
  EXPECT_NE(until(kFirst, 3000), 0);
  EXPECT_FALSE(anySaw("+sdown"));
}

TEST_F(SentinelTest, ACoordinatedFailoverLeavesTheMasterToHandOver) {
  world.perform(world.node(1), [&](Step& step) { EXPECT_EQ(failOver(step, world.master(1), true), ""); });
  EXPECT_NE(until(kFirst, 3000), 0);
  EXPECT_EQ(world.server(kMaster).master, kFirst);
}

TEST_F(SentinelTest, AStoppedSentinelDoesNotTakeAllForDead) {
  world.node(0).health = VirtualWorld::Health::kHung;
  world.run(ms(500));                  // shorter than down-after: the others do not notice
  world.node(0).offset += ms(60'000);  // to itself it was a minute
  world.node(0).health = VirtualWorld::Health::kUp;
  world.run(ms(2000));
  EXPECT_TRUE(world.saw(0, "+tilt"));
  EXPECT_FALSE(world.saw(0, "+sdown"));
  world.run(ms(31'000));
  EXPECT_TRUE(world.saw(0, "-tilt"));
}

TEST_F(SentinelTest, ARefusedConnectionIsNoEvidenceUnlessAskedFor) {
  for (size_t i = 0; i < 3; ++i) world.master(i).settings.refusedDownAfterMs = 300;
  world.kill(kMaster);
  const int64_t took = untilSwitched();
  EXPECT_GE(took, 300);
  EXPECT_LE(took, 550);
}

TEST_F(SentinelTest, ARefusalCountsOnlyIfAReplicaLostItsMasterToo) {
  for (size_t i = 0; i < 3; ++i) {
    world.master(i).settings.refusedDownAfterMs = 300;
    world.master(i).settings.downAfterMs = 10'000;
  }
  world.hang(kMaster);  // a hung host refuses nothing
  world.run(ms(3000));
  EXPECT_FALSE(anySaw("+sdown"));
}

TEST_F(SentinelTest, ASentinelThatWasAwayTakesTheNewerConfiguration) {
  world.kill(VirtualWorld::kFirstSentinelPort);
  world.kill(kMaster);
  ASSERT_NE(until(kFirst), 0);
  world.revive(VirtualWorld::kFirstSentinelPort);
  EXPECT_NE(until(kFirst, 5000), 0);
  EXPECT_TRUE(world.saw(0, "+config-update-from") || world.saw(0, "+switch-master"));
}

TEST_F(SentinelTest, TheReportOfManyAttemptsStaysShort) {
  for (size_t i = 0; i < 3; ++i) world.master(i).settings.failoverTimeoutMs = 1000;
  for (const uint16_t replica : {kFirst, kSecond}) world.server(replica).priority = 0;
  world.run(ms(11'000));  // until INFO has told of it
  world.kill(kMaster);
  world.run(ms(60'000));
  for (size_t i = 0; i < 3; ++i) {
    const FailoverReport& report = world.master(i).report;
    EXPECT_LE(report.votes.size(), 9u);
    EXPECT_LE(report.stages.size(), 4u);
    EXPECT_GE(world.master(i).ballot.epoch, 20u) << "attempts";
  }
}

TEST_F(SentinelTest, OfTwoConfigurationsOfOneEpochOneIsLeft) {
  for (const auto& [node, port] : {std::pair{size_t{0}, kFirst}, {size_t{1}, kSecond}}) {
    world.server(port).isReplica = false;
    world.perform(world.node(node), [&](Step& step) {
      step.state.epoch = world.master(node).configEpoch = 5;
      switchMaster(step, world.master(node), {"10.0.0.1", port});
    });
  }
  ASSERT_TRUE(world.runUntil([&] { return world.converged(kFirst) || world.converged(kSecond); }, ms(30'000)));
  world.run(ms(10'000));
  EXPECT_TRUE(world.converged(kFirst) || world.converged(kSecond)) << "and it stays so";
  EXPECT_LE(world.master(2).configEpoch, 7u);
}

TEST_F(SentinelTest, WhoForcesAFailoverElectsNobodyElseInItsEpoch) {
  world.perform(world.node(1), [&](Step& step) {
    EXPECT_EQ(failOver(step, world.master(1), false), "");
    voteFor(step, world.master(1), world.master(1).failover.epoch, world.node(0).id);
  });
  EXPECT_EQ(world.master(1).ballot.leader, world.node(1).id);
}

TEST_F(SentinelTest, TheReportSaysWhatHappened) {
  world.server(kSecond).offset = 250;
  world.kill(kMaster);
  ASSERT_NE(until(kSecond), 0);
  size_t leader = 0;
  while (!world.saw(leader, "+elected-leader")) ++leader;
  const FailoverReport& report = world.master(leader).report;
  EXPECT_EQ(report.outcome, "succeeded");
  EXPECT_EQ(report.oldMaster, "10.0.0.1:6001");
  EXPECT_EQ(report.newMaster, "10.0.0.1:6003");
  EXPECT_GE(report.votes.size(), 2u);
  ASSERT_EQ(report.candidates.size(), 2u);
  EXPECT_EQ(report.candidates[0].verdict, "fit, but another is better");
  EXPECT_EQ(report.candidates[1].verdict, "chosen");
  EXPECT_EQ(report.knownLoss(), 0u);
}

// Connections break at random while the master dies; whatever happens, one leader per epoch, and in the end one master.
TEST(SentinelChaos, OneLeaderPerEpochAndOneMasterInTheEnd) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    VirtualWorld world(2, 3 + seed % 2 * 2, "down-after-milliseconds 500 failover-timeout 3000", seed);
    ASSERT_TRUE(world.runUntil([&] { return world.settled(); }, ms(8000)));
    world.drops = true;
    world.kill(kMaster);
    world.run(ms(3000));
    world.revive(kMaster);
    world.run(ms(3000));
    world.drops = false;
    EXPECT_TRUE(world.runUntil(
        [&] { return world.converged(kMaster) || world.converged(kFirst) || world.converged(kSecond); }, ms(60'000)));
    for (const auto& [epoch, leaders] : world.leaders()) EXPECT_EQ(leaders.size(), 1u) << "epoch " << epoch;
  }
}

}  // namespace
}  // namespace vigil::sentinel
