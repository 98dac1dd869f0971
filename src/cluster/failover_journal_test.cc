// What nodes tell afterwards of failovers that they have seen.
#include "cluster/failover_journal.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cluster/test_cluster.h"

namespace vigil::cluster {
namespace {

constexpr MonoUs kSecond = 1'000'000;

const FailoverReport* report(TestCluster& cluster, size_t number) { return cluster[number].core->journal().latest({}); }

std::string verdictOn(const FailoverReport& report, const std::string& replica) {
  const auto at = std::ranges::find(report.candidates, replica, &FailoverReport::Candidate::replica);
  return at == report.candidates.end() ? "not mentioned" : at->verdict;
}

bool reached(const FailoverReport& report, std::string_view stage) {
  return std::ranges::any_of(report.stages, [&](const auto& s) { return s.first == stage; });
}

TEST(FailoverJournal, TellsWhatEachNodeSawOfADeath) {
  TestCluster cluster(9);
  cluster.create(3);  // 3 and 6 follow 0
  cluster[0].around.offset = 250;
  cluster[3].around.offset = 100;
  cluster[6].around.offset = 200;
  cluster.run(3 * kSecond);
  EXPECT_EQ(report(cluster, 6), nullptr);
  cluster.kill(0);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[6].promotions == 1; }));
  ASSERT_TRUE(cluster.runUntil(kSecond, [&] { return cluster.oneView(); }));

  const FailoverReport& winner = *report(cluster, 6);
  EXPECT_EQ(winner.outcome, "succeeded");
  EXPECT_EQ(winner.oldMaster, cluster.id(0));
  EXPECT_EQ(winner.newMaster, cluster.id(6));
  EXPECT_EQ(winner.epoch, cluster.state(6).myself().configEpoch);
  EXPECT_EQ(winner.oldOffset, 250u);
  EXPECT_EQ(winner.newOffset, 200u);
  EXPECT_EQ(winner.knownLoss(), 50u);
  EXPECT_EQ(winner.votes.size(), 2u);
  EXPECT_EQ(winner.votes[0].candidate, cluster.id(6));
  EXPECT_EQ(verdictOn(winner, cluster.id(6)), "promoted");
  EXPECT_EQ(verdictOn(winner, cluster.id(3)), "another has more data, or as much and the lesser id");
  for (std::string_view stage : {"failed", "ranked", "votes asked for", "promoted"}) EXPECT_TRUE(reached(winner, stage)) << stage;
  EXPECT_GE(winner.sightings.size(), 2u);

  const FailoverReport& voter = *report(cluster, 1);
  ASSERT_EQ(voter.votes.size(), 1u);
  EXPECT_EQ(voter.votes[0].by, cluster.id(1));
  EXPECT_EQ(verdictOn(voter, cluster.id(6)), "promoted");
  EXPECT_TRUE(reached(voter, "taken over"));
  EXPECT_NE(cluster[1].logged.find("Failover of " + cluster.id(0) + " to " + cluster.id(6) + ": succeeded"), std::string::npos);
  EXPECT_EQ(cluster[1].core->journal().latest(cluster.id(6)), &voter);
  EXPECT_EQ(cluster[1].core->journal().latest(cluster.id(2)), nullptr);
}

TEST(FailoverJournal, AMasterThatComesBackShowsWhatIsLost) {
  TestCluster cluster(6);
  cluster.create(3);
  cluster[0].around.offset = cluster[3].around.offset = 100;
  cluster.run(3 * kSecond);
  cluster.stop(0);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[3].promotions == 1; }));
  ASSERT_TRUE(cluster.runUntil(kSecond, [&] { return cluster.oneView(); }));
  EXPECT_EQ(report(cluster, 3)->knownLoss(), 0u);
  cluster[0].around.offset = 170;  // what it had taken and sent to nobody
  cluster.resume(0);
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return !cluster[0].follows.empty(); }));
  cluster.run(kSecond);
  EXPECT_EQ(report(cluster, 3)->knownLoss(), 70u);
  EXPECT_NE(cluster[3].logged.find("is back with 70 bytes"), std::string::npos);
  // It tells of its own end too.
  EXPECT_EQ(report(cluster, 0)->oldMaster, cluster.id(0));
  EXPECT_EQ(report(cluster, 0)->newMaster, cluster.id(3));
}

TEST(FailoverJournal, HandOversByHandLoseNothing) {
  TestCluster cluster(6);
  cluster.create(3);
  cluster[0].around.offset = cluster[3].around.offset = 77;
  ASSERT_EQ(cluster.command(3, {.kind = Request::Kind::kFailover}), "");
  ASSERT_TRUE(cluster.runUntil(2 * kSecond, [&] { return cluster[3].promotions == 1 && !cluster[0].follows.empty(); }));
  cluster.run(kSecond);
  EXPECT_EQ(report(cluster, 3)->cause, "CLUSTER FAILOVER");
  EXPECT_EQ(report(cluster, 0)->cause, "CLUSTER FAILOVER at " + cluster.id(3));
  EXPECT_TRUE(reached(*report(cluster, 0), "writes held back"));
  EXPECT_TRUE(reached(*report(cluster, 3), "all applied"));
  for (size_t i = 0; i < 6; ++i) {
    ASSERT_NE(report(cluster, i), nullptr) << i;
    EXPECT_EQ(report(cluster, i)->outcome, "succeeded") << i;
    EXPECT_EQ(report(cluster, i)->knownLoss(), 0u) << i;
  }
}

TEST(FailoverJournal, WhatCameToNothing) {
  TestCluster cluster(6);
  cluster.create(3);
  // Suspected for a moment by one: nothing to tell.
  cluster.loses = [](size_t from, size_t to, const BusMessage&) { return from == 0 && to == 1; };
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.state(1).find(cluster.id(0))->has(kPfail); }));
  ASSERT_NE(report(cluster, 1), nullptr);
  EXPECT_EQ(report(cluster, 1)->outcome, "under way");
  cluster.loses = nullptr;
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return !cluster.state(1).find(cluster.id(0))->failing(); }));
  EXPECT_EQ(report(cluster, 1), nullptr);
  // Failed, with no replica to take over.
  cluster.kill(3);
  cluster.run(3 * kSecond);
  cluster.kill(0);
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.state(1).find(cluster.id(0))->has(kFail); }));
  cluster.restart(0);
  ASSERT_TRUE(cluster.runUntil(15 * kSecond, [&] { return cluster.allUp(); }));
  EXPECT_EQ(report(cluster, 1)->outcome, "given up: it answers again, and nobody has taken its place");
  // Asked for by hand, and the master never lets go.
  cluster[1].around.offset = 10;
  cluster[4].around.offset = 5;
  ASSERT_EQ(cluster.command(4, {.kind = Request::Kind::kFailover}), "");
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return report(cluster, 4)->outcome != "under way"; }));
  EXPECT_EQ(report(cluster, 4)->outcome, "given up: the hand-over has not come about");
}

TEST(FailoverJournal, KeepsTheLastOnes) {
  TestCluster cluster(6);
  cluster.create(3);
  size_t master = 0;
  size_t replica = 3;
  for (size_t i = 0; i < FailoverJournal::kKept + 4; ++i) {
    const int before = cluster[replica].promotions;
    ASSERT_EQ(cluster.command(replica, {.kind = Request::Kind::kFailover, .mode = Request::Mode::kTakeover}), "");
    ASSERT_EQ(cluster[replica].promotions, before + 1);
    ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.oneView() && !cluster[master].follows.empty(); }));
    std::swap(master, replica);
  }
  EXPECT_EQ(report(cluster, 1)->newMaster, cluster.id(master));
}

}  // namespace
}  // namespace vigil::cluster
