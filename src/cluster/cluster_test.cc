// Whole clusters of cores: what their users would see after faults.
#include "cluster/cluster.h"

#include <gtest/gtest.h>

#include "cluster/test_cluster.h"

namespace vigil::cluster {
namespace {

constexpr MonoUs kSecond = 1'000'000;

// Three masters, each with `replicas` replicas; master i has 3 + i, 6 + i, …
TestCluster healthy(size_t replicas = 1, uint64_t seed = 1) {
  TestCluster cluster(3 + 3 * replicas, seed);
  cluster.create(3);
  EXPECT_TRUE(cluster.allUp());
  EXPECT_TRUE(cluster.oneView());
  return cluster;
}

TEST(Cluster, MeetSpreadsAndReplicasFollow) {
  TestCluster cluster = healthy();
  EXPECT_EQ(cluster[3].follows, "10.0.0.1:7000");
  EXPECT_EQ(cluster.state(4).owner(0)->id, cluster.id(0));
  EXPECT_EQ(cluster.state(0).replicasOf(cluster.state(0).myself()).size(), 1u);
}

TEST(Cluster, KilledMasterIsReplacedAndComesBackAsReplica) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    TestCluster cluster = healthy(1, seed);
    const MonoUs killed = cluster.now();
    cluster.kill(1);
    ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[4].promotions == 1; })) << seed;
    // The timeout from the first refused connection on, a tick, and a few round trips.
    EXPECT_LT(cluster.now() - killed, 1'150'000) << seed;
    ASSERT_TRUE(cluster.runUntil(kSecond, [&] { return cluster.allUp() && cluster.oneView(); })) << seed;
    cluster.restart(1);
    ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[1].follows == "10.0.0.5:7004"; })) << seed;
    EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.oneView() && cluster.allUp(); }));
  }
}

TEST(Cluster, StoppedMasterIsReplacedAndDoesNotServeWhenItWakes) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    TestCluster cluster = healthy(1, seed);
    const MonoUs stopped = cluster.now();
    cluster.stop(0);
    ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[3].promotions == 1; })) << seed;
    EXPECT_LT(cluster.now() - stopped, 1'700'000) << seed;
    cluster.run(3 * kSecond);
    cluster.resume(0);
    ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[0].follows == "10.0.0.4:7003"; })) << seed;
  }
}

TEST(Cluster, OfTwoReplicasTheOneWithMoreDataWins) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    TestCluster cluster = healthy(2, seed);
    cluster[3].around.offset = 100;
    cluster[6].around.offset = 200;
    cluster.kill(0);
    ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[3].promotions + cluster[6].promotions == 1; }));
    EXPECT_EQ(cluster[6].promotions, 1) << seed;
    EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster[3].follows == "10.0.0.7:7006"; })) << seed;
  }
}

TEST(Cluster, TwoMastersThatFailTogetherAreBothReplaced) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    TestCluster cluster(10, seed);
    cluster.create(5);
    cluster.kill(0);
    cluster.kill(1);
    ASSERT_TRUE(cluster.runUntil(20 * kSecond, [&] { return cluster[5].promotions == 1 && cluster[6].promotions == 1; })) << seed;
    EXPECT_NE(cluster.state(5).myself().configEpoch, cluster.state(6).myself().configEpoch);
    EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.allUp() && cluster.oneView(); })) << seed;
  }
}

TEST(Cluster, NobodyIsReplacedWithoutAMajority) {
  TestCluster cluster = healthy();
  cluster.kill(0);
  cluster.kill(1);
  cluster.run(20 * kSecond);
  for (size_t i = 3; i < 6; ++i) EXPECT_EQ(cluster[i].promotions, 0);
  EXPECT_FALSE(cluster.state(2).up);
}

TEST(Cluster, AMasterAndItsOnlyReplicaGoneIsAFailedClusterUntilOneReturns) {
  TestCluster cluster = healthy();
  cluster.kill(4);
  cluster.run(5 * kSecond);
  cluster.kill(1);
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return !cluster.state(0).up && !cluster.state(2).up; }));
  cluster.restart(1);
  EXPECT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster.allUp(); }));
}

TEST(Cluster, RefusedConnectionsAreEvidenceBeforeTheTimeout) {
  TestCluster cluster(6);
  cluster.options.refusedTimeout = 300'000;
  cluster.options.nodeTimeout = 5 * kSecond;
  cluster.create(3);
  const MonoUs killed = cluster.now();
  cluster.kill(1);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[4].promotions == 1; }));
  EXPECT_LT(cluster.now() - killed, 700'000);
}

TEST(Cluster, RefusedConnectionsAreNoneAgainstAMasterWithoutReplicas) {
  TestCluster cluster(3);
  cluster.options.refusedTimeout = 300'000;
  cluster.options.nodeTimeout = 5 * kSecond;
  cluster.create(3);
  cluster.kill(1);
  cluster.run(4 * kSecond);
  EXPECT_TRUE(cluster.state(0).up);
}

TEST(Cluster, MasterThatCameBackEmptyIsReplacedThoughAllTakeItForHealthy) {
  TestCluster cluster = healthy(2);
  cluster[3].around.offset = 10;
  cluster[6].around.offset = 20;
  cluster[3].around.masterEmpty = cluster[6].around.masterEmpty = true;
  const MonoUs begin = cluster.now();
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster[6].promotions == 1; }));
  EXPECT_LT(cluster.now() - begin, 500'000);
  EXPECT_NE(cluster[6].logged.find("came back without its data"), std::string::npos);
  cluster[3].around.masterEmpty = cluster[6].around.masterEmpty = false;
  EXPECT_TRUE(cluster.runUntil(kSecond, [&] {
    return cluster[0].follows == "10.0.0.7:7006" && cluster[3].follows == "10.0.0.7:7006" && cluster.oneView();
  }));
  EXPECT_EQ(cluster[3].promotions, 0);
}

TEST(Cluster, MasterThatCameBackEmptyStaysWhereFailoversAreSwitchedOff) {
  TestCluster cluster = healthy();
  cluster.options.replicaNoFailover = true;
  cluster[3].around.masterEmpty = true;
  cluster.run(10 * kSecond);
  EXPECT_EQ(cluster[3].promotions, 0);
}

TEST(Cluster, ManualFailoverSwapsRoles) {
  TestCluster cluster = healthy();
  cluster[0].around.offset = cluster[3].around.offset = 77;
  EXPECT_EQ(cluster.command(3, {.kind = Request::Kind::kFailover}), "");
  ASSERT_TRUE(cluster.runUntil(2 * kSecond, [&] { return cluster[3].promotions == 1; }));
  EXPECT_TRUE(cluster.runUntil(kSecond, [&] { return cluster[0].follows == "10.0.0.4:7003" && cluster.oneView(); }));
}

TEST(Cluster, ManualFailoverWaitsForTheRestOfTheData) {
  TestCluster cluster = healthy();
  cluster[0].around.offset = 78;
  cluster[3].around.offset = 77;
  EXPECT_EQ(cluster.command(3, {.kind = Request::Kind::kFailover}), "");
  cluster.run(2 * kSecond);
  EXPECT_EQ(cluster[3].promotions, 0);
  cluster[3].around.offset = 78;
  EXPECT_TRUE(cluster.runUntil(kSecond, [&] { return cluster[3].promotions == 1; }));
}

TEST(Cluster, ManualFailoverRightAfterAChangeOfRoles) {
  TestCluster cluster = healthy();
  ASSERT_EQ(cluster.command(3, {.kind = Request::Kind::kReplicate, .node = cluster.id(1)}), "");
  ASSERT_EQ(cluster.command(3, {.kind = Request::Kind::kFailover}), "");
  ASSERT_TRUE(cluster.runUntil(kSecond, [&] { return cluster[3].promotions == 1; }));
  // Its former master follows, and takes over again at once.
  ASSERT_TRUE(cluster.runUntil(kSecond, [&] { return !cluster[1].follows.empty(); }));
  EXPECT_FALSE(cluster[1].paused);
  ASSERT_EQ(cluster.command(1, {.kind = Request::Kind::kFailover}), "");
  EXPECT_TRUE(cluster.runUntil(kSecond, [&] { return cluster[1].promotions == 1; }));
}

TEST(Cluster, TwoReplicasAskForTheirMastersHandOver) {
  TestCluster cluster = healthy(2);
  cluster.loses = [](size_t, size_t to, const wire::BusMessage& message) { return to == 3 && message.type == wire::BusType::kVote; };
  ASSERT_EQ(cluster.command(3, {.kind = Request::Kind::kFailover}), "");
  ASSERT_TRUE(cluster.runUntil(kSecond, [&] { return cluster[0].paused; }));
  cluster.run(3 * kSecond);  // masters vote about one master once within twice the timeout
  ASSERT_EQ(cluster.command(6, {.kind = Request::Kind::kFailover}), "");
  ASSERT_TRUE(cluster.runUntil(kSecond, [&] { return cluster[6].promotions == 1; }));
  EXPECT_TRUE(cluster.runUntil(kSecond, [&] { return !cluster[0].paused; }));
}

TEST(Cluster, TakeoverNeedsNobody) {
  TestCluster cluster = healthy();
  for (size_t i = 0; i < 3; ++i) cluster.kill(i);
  EXPECT_EQ(cluster.command(3, {.kind = Request::Kind::kFailover, .mode = Request::Mode::kTakeover}), "");
  EXPECT_EQ(cluster[3].promotions, 1);
  EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.state(4).owner(0)->id == cluster.id(3); }));
}

TEST(Cluster, AnOrphanedMasterGetsAReplica) {
  TestCluster cluster(7);
  cluster.create(3);  // master 0 has two replicas, 3 and 6
  cluster.kill(4);
  EXPECT_TRUE(cluster.runUntil(20 * kSecond, [&] {
    return cluster[3].follows == "10.0.0.2:7001" || cluster[6].follows == "10.0.0.2:7001";
  }));
}

TEST(Cluster, AReplicaThatDiesIsMarkedAsFailed) {
  TestCluster cluster = healthy();
  cluster.kill(4);
  EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.state(0).find(cluster.id(4))->has(kFail); }));
}

TEST(Cluster, EqualEpochsPart) {
  TestCluster cluster = healthy();
  ASSERT_EQ(cluster.command(0, {.kind = Request::Kind::kBumpEpoch}), "");
  ASSERT_EQ(cluster.command(1, {.kind = Request::Kind::kBumpEpoch}), "");
  EXPECT_TRUE(cluster.runUntil(10 * kSecond, [&] {
    return cluster.state(0).myself().configEpoch != cluster.state(1).myself().configEpoch;
  }));
}

TEST(Cluster, AForgottenNodeStaysForgottenForAWhile) {
  TestCluster cluster = healthy();
  const std::string gone = cluster.id(5);
  cluster.kill(5);
  // Vigil's nodes tell each other; one command is enough.
  EXPECT_EQ(cluster.command(0, {.kind = Request::Kind::kForget, .node = gone}), "");
  EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.everybodyKnows(5); }));
  cluster.run(10 * kSecond);
  EXPECT_TRUE(cluster.everybodyKnows(5));
}

TEST(Cluster, SlotMovesAndItsNewOwnerIsBelieved) {
  TestCluster cluster = healthy();
  EXPECT_EQ(cluster.command(1, {.kind = Request::Kind::kSetImporting, .node = cluster.id(0), .slot = 7}), "");
  EXPECT_EQ(cluster.command(0, {.kind = Request::Kind::kSetMigrating, .node = cluster.id(1), .slot = 7}), "");
  EXPECT_EQ(cluster.command(1, {.kind = Request::Kind::kSetNode, .node = cluster.id(1), .slot = 7}), "");
  EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.state(2).owner(7)->id == cluster.id(1); }));
  EXPECT_EQ(cluster.state(0).owner(7)->id, cluster.id(1));
  EXPECT_TRUE(cluster.state(0).migrating.empty());
}

// Who missed a move hears first of the old owner's newer epoch, under which it does not claim the slot.
TEST(Cluster, WhatItsOwnerNoLongerClaimsIsTakenWhateverTheEpoch) {
  TestCluster cluster = healthy();
  cluster.kill(5);
  EXPECT_EQ(cluster.command(1, {.kind = Request::Kind::kSetImporting, .node = cluster.id(0), .slot = 7}), "");
  EXPECT_EQ(cluster.command(1, {.kind = Request::Kind::kSetNode, .node = cluster.id(1), .slot = 7}), "");
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.state(0).owner(7)->id == cluster.id(1); }));
  cluster.command(0, {.kind = Request::Kind::kBumpEpoch});
  ASSERT_GT(cluster.state(0).myself().configEpoch, cluster.state(1).myself().configEpoch);
  cluster.run(2 * kSecond);
  cluster.restart(5);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster.allUp() && cluster.oneView(); }));
  EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.state(5).owner(7)->id == cluster.id(1); }));
}

// The slot was anybody's until it became ours; a claim of a time before that takes nothing from us.
TEST(Cluster, AnOldClaimDoesNotTakeASlotThatNobodyClaimedForAWhile) {
  TestCluster cluster = healthy();
  cluster.stop(0);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[3].promotions == 1; }));
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.state(1).owner(7)->id == cluster.id(3); }));
  EXPECT_EQ(cluster.command(1, {.kind = Request::Kind::kSetImporting, .node = cluster.id(3), .slot = 7}), "");
  EXPECT_EQ(cluster.command(3, {.kind = Request::Kind::kSetNode, .node = cluster.id(1), .slot = 7}), "");
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.state(1).unclaimed.test(7); }));
  EXPECT_EQ(cluster.command(1, {.kind = Request::Kind::kSetNode, .node = cluster.id(1), .slot = 7}), "");
  cluster.resume(0);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[0].follows == "10.0.0.4:7003"; }));
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster.allUp() && cluster.oneView(); }));
  EXPECT_EQ(cluster.state(1).owner(7)->id, cluster.id(1));
  EXPECT_EQ(cluster.state(3).owner(7)->id, cluster.id(1));
}

// While a slot is on its way, the master that it comes from is replaced: the importing node has to believe it, or would take
// the slot for nobody's and refuse service.
TEST(Cluster, AnImportGoesOnFromWhoTookTheSourcesPlace) {
  TestCluster cluster = healthy();
  EXPECT_EQ(cluster.command(1, {.kind = Request::Kind::kSetImporting, .node = cluster.id(0), .slot = 7}), "");
  cluster.kill(0);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[3].promotions == 1; }));
  cluster.restart(0);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[0].follows == "10.0.0.4:7003"; }));
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster.allUp() && cluster.oneView(); }));
  ASSERT_NE(cluster.state(1).owner(7), nullptr);
  EXPECT_EQ(cluster.state(1).owner(7)->id, cluster.id(3));
  EXPECT_EQ(cluster.state(1).importing.at(7)->id, cluster.id(3));
}

TEST(Cluster, OnlyOneWinnerPerEpochWhateverIsLost) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    TestCluster cluster = healthy(2, seed);
    Dice dice(seed);
    cluster.loses = [&](size_t, size_t, const wire::BusMessage&) { return dice.below(5) == 0; };
    cluster.kill(seed % 3);
    cluster.run(20 * kSecond);
    std::map<uint64_t, std::string> owners;  // of configuration epochs
    for (size_t i = 0; i < cluster.size(); ++i) {
      const Node& me = cluster.state(i).myself();
      if (!me.votes() || cluster[i].life != TestCluster::Life::kRunning) continue;
      EXPECT_TRUE(owners.emplace(me.configEpoch, me.id).second) << seed;
    }
    cluster.loses = nullptr;
    EXPECT_TRUE(cluster.runUntil(60 * kSecond, [&] { return cluster.allUp() && cluster.oneView(); })) << seed;
  }
}

TEST(Cluster, WhatNodesConfHoldsIsEnoughToGoOn) {
  TestCluster cluster = healthy();
  const std::string before = wire::formatNodesConf(confOf(cluster.state(0), {1, 1}));
  for (size_t i = 0; i < 6; ++i) cluster.kill(i);
  for (size_t i = 0; i < 6; ++i) cluster.restart(i);
  EXPECT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster.allUp() && cluster.oneView(); }));
  EXPECT_EQ(cluster.state(0).owner(16383)->id, cluster.id(2));
}

TEST(Cluster, DamagedMemoryIsRefused) {
  TestCluster cluster = healthy();
  wire::NodesConf conf = confOf(cluster.state(0), {1, 1});
  auto refused = [](wire::NodesConf damaged) { return !Cluster(1, {1, 1}).restore({1, 1}, damaged).has_value(); };
  EXPECT_FALSE(refused(conf));
  wire::NodesConf twice = conf;
  twice.nodes.push_back(twice.nodes.back());
  EXPECT_TRUE(refused(twice));
  wire::NodesConf orphan = conf;
  for (auto& line : orphan.nodes) line.masterId = line.masterId.empty() ? "" : std::string(40, 'f');
  EXPECT_TRUE(refused(orphan));
  wire::NodesConf shared = conf;
  for (auto& line : shared.nodes) line.slots = {{1, 2}};
  EXPECT_TRUE(refused(shared));
}

}  // namespace
}  // namespace vigil::cluster
