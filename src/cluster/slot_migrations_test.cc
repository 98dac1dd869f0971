// Atomic migrations between whole cores; the test carries out what they order.
#include "cluster/slot_migrations.h"

#include <gtest/gtest.h>

#include "cluster/test_cluster.h"

namespace vigil::cluster {
namespace {

using Kind = MigrationOrder::Kind;
using News = MigrationNews::Kind;
using Stage = MigrationJob::Stage;

constexpr MonoUs kSecond = 1'000'000;
constexpr size_t kSource = 0;
constexpr size_t kTarget = 1;
constexpr size_t kSourceReplica = 3;
constexpr size_t kTargetReplica = 4;

SlotSet slots(uint16_t first, uint16_t last) {
  SlotSet set;
  set.setRange({first, last});
  return set;
}

class SlotMigrationsTest : public ::testing::Test {
 protected:
  SlotMigrationsTest() { cluster.create(3); }

  std::string begin(const SlotSet& which = slots(0, 99)) {
    return cluster.command(kSource, {.kind = Request::Kind::kMigrateSlots, .plans = {{which, cluster.id(kTarget)}}});
  }
  // The last order of a node; its kind as a number where there is none.
  const MigrationOrder* last(size_t node, Kind kind) {
    const MigrationOrder* found = nullptr;
    for (const MigrationOrder& order : cluster[node].orders) {
      if (order.kind == kind) found = &order;
    }
    return found;
  }
  bool recorded(size_t node, MigrationRecord::Kind kind) {
    return std::ranges::any_of(cluster[node].orders, [&](const MigrationOrder& order) {
      return order.kind == Kind::kRecord && order.record == kind;
    });
  }
  void tell(size_t node, News kind, uint64_t offset = 0) { cluster.tell(node, {.kind = kind, .job = name, .offset = offset}); }
  const MigrationJob& job(size_t node) { return cluster[node].core->migrations().jobs().front(); }
  size_t owned(size_t byNode, size_t inView) {
    size_t count = 0;
    slots(0, 99).forEach([&](uint16_t slot) {
      const Node* owner = cluster.state(inView).owner(slot);
      count += owner != nullptr && owner->id == cluster.id(byNode) ? 1 : 0;
    });
    return count;
  }

  // Up to where the source's driver is to send CLAIM.
  void handOver() {
    ASSERT_EQ(begin(), "");
    name = job(kSource).name;
    ASSERT_EQ(receive(), "");
    tell(kSource, News::kAccepted);
    ASSERT_TRUE(last(kSource, Kind::kCopy));
    tell(kSource, News::kCopied);
    cluster[kSource].around.offset = 5'000'000;
    tell(kSource, News::kApplied, 1'000'000);
    EXPECT_FALSE(last(kSource, Kind::kHold));  // far behind
    tell(kSource, News::kApplied, 4'900'000);
    ASSERT_TRUE(last(kSource, Kind::kHold));
    EXPECT_TRUE(cluster.state(kSource).held.test(0) && !cluster.state(kSource).held.test(100));
    tell(kSource, News::kHeld, 5'000'100);
    EXPECT_EQ(last(kSource, Kind::kAwait)->replicas, 1u);
    tell(kSource, News::kApplied, 5'000'100);
    EXPECT_FALSE(last(kSource, Kind::kClaim));  // the replica has not got it yet
    tell(kSource, News::kAcknowledged);
    ASSERT_TRUE(last(kSource, Kind::kClaim));
    cluster.note(kSourceReplica, {MigrationRecord::Kind::kHandOff, name, cluster.id(kTarget), slots(0, 99)});
  }
  std::string receive() {
    return cluster.command(kTarget, {.kind = Request::Kind::kReceiveSlots, .node = cluster.id(kSource), .job = name, .set = slots(0, 99)});
  }
  std::string claim() { return cluster.command(kTarget, {.kind = Request::Kind::kClaimSlots, .job = name, .number = 1}); }
  std::string ask(size_t node) {
    return cluster.command(node, {.kind = Request::Kind::kAskOutcome, .job = name, .set = slots(0, 99), .number = 1});
  }
  void commit() {
    tell(kTarget, News::kPrepared);
    ASSERT_TRUE(recorded(kTarget, MigrationRecord::Kind::kCommit));
    tell(kTarget, News::kRecorded, 77);
  }
  void finishClaim() {
    tell(kTarget, News::kAcknowledged);
    ASSERT_TRUE(last(kTarget, Kind::kAnnounce));
    tell(kTarget, News::kServing);
  }

  void moveAll() {
    handOver();
    EXPECT_EQ(claim(), "");
    commit();
    finishClaim();
    ASSERT_TRUE(cluster.runUntil(kSecond, [&] { return job(kSource).stage == Stage::kSucceeded; }));
  }

  TestCluster cluster{6};
  std::string name;
};

TEST_F(SlotMigrationsTest, WholeWay) {
  handOver();
  EXPECT_EQ(owned(kSource, kTarget), 100u);
  EXPECT_EQ(claim(), "");
  EXPECT_EQ(last(kTarget, Kind::kPrepare)->replicas, 1u);
  commit();
  EXPECT_EQ(owned(kTarget, kTarget), 0u);  // its replica must have the record first
  finishClaim();
  ASSERT_TRUE(cluster.runUntil(kSecond, [&] { return job(kSource).stage == Stage::kSucceeded; }));
  EXPECT_EQ(job(kTarget).stage, Stage::kSucceeded);
  EXPECT_TRUE(cluster.state(kSource).held.empty());
  EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster.oneView() && owned(kTarget, 2) == 100; }));
  // Who takes the source's place before all its keys are deleted has to go on with that.
  ASSERT_TRUE(last(kSource, Kind::kSweep));
  EXPECT_FALSE(recorded(kSource, MigrationRecord::Kind::kEnd));
  tell(kSource, News::kSwept);
  EXPECT_TRUE(recorded(kSource, MigrationRecord::Kind::kEnd));
}

TEST_F(SlotMigrationsTest, WhoTakesTheSourcesPlaceDeletesWhatIsLeft) {
  moveAll();
  cluster.kill(kSource);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[kSourceReplica].promotions == 1; }));
  ASSERT_TRUE(cluster.runUntil(kSecond, [&] { return last(kSourceReplica, Kind::kSweep) != nullptr; }));
  EXPECT_FALSE(recorded(kSourceReplica, MigrationRecord::Kind::kEnd));
  tell(kSourceReplica, News::kSwept);
  EXPECT_TRUE(recorded(kSourceReplica, MigrationRecord::Kind::kEnd));
}

// By hand over to its replica, and the last slots by a migration that had gone too far.
TEST_F(SlotMigrationsTest, ASourceThatIsReplacedFollowsItsSuccessorNotTheTarget) {
  handOver();
  EXPECT_EQ(claim(), "");
  commit();
  EXPECT_EQ(cluster.command(kSourceReplica, {.kind = Request::Kind::kFailover, .mode = Request::Mode::kForce}), "");
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return cluster[kSourceReplica].promotions == 1; }));
  cluster.run(100'000);
  finishClaim();
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return !cluster[kSource].follows.empty(); }));
  EXPECT_EQ(cluster[kSource].follows, cluster[kSourceReplica].address + ":" + std::to_string(cluster[kSourceReplica].busPort - 10000));
}

TEST_F(SlotMigrationsTest, NodesThatDoNotAnnounceItAreRefused) {
  for (size_t old : {kTarget, kTargetReplica, kSourceReplica}) {
    cluster[old].old = true;
    cluster.run(3 * kSecond);
    EXPECT_TRUE(begin().starts_with("ERR Node " + cluster.id(old) + " does not announce")) << old;
    cluster[old].old = false;
    cluster.run(3 * kSecond);
  }
  EXPECT_EQ(begin(), "");
}

TEST_F(SlotMigrationsTest, WhatCannotBegin) {
  EXPECT_EQ(cluster.command(kSource, {.kind = Request::Kind::kMigrateSlots, .plans = {{slots(0, 1), "nobody"}}}), "ERR Unknown node nobody");
  EXPECT_EQ(begin(slots(9000, 9001)), "ERR Slot 9000 is not served by this node");
  EXPECT_EQ(begin(), "");
  EXPECT_EQ(begin(slots(99, 120)), "ERR Some of the slots are being migrated already");
  for (uint16_t slot : {uint16_t{99}, uint16_t{100}}) {
    EXPECT_EQ(cluster.command(kSource, {.kind = Request::Kind::kSetMigrating, .node = cluster.id(2), .slot = slot}),
              slot == 99 ? "ERR Slot 99 is part of an atomic migration, see CLUSTER GETSLOTMIGRATIONS" : "");
  }
  name = job(kSource).name;
  EXPECT_EQ(receive(), "");
  EXPECT_NE(receive(), "");
  EXPECT_EQ(cluster.command(kTarget, {.kind = Request::Kind::kMigrateSlots, .plans = {{slots(6000, 6001), cluster.id(2)}}}),
            "ERR This node is importing slots. Try again when that is over");
}

TEST_F(SlotMigrationsTest, CancelledBeforeTheClaimNothingHasHappened) {
  ASSERT_EQ(begin(), "");
  name = job(kSource).name;
  ASSERT_EQ(receive(), "");
  EXPECT_EQ(cluster.command(kSource, {.kind = Request::Kind::kCancelMigrations}), "");
  EXPECT_EQ(job(kSource).stage, Stage::kCancelled);
  EXPECT_TRUE(last(kSource, Kind::kClose));
  tell(kTarget, News::kLost);
  EXPECT_EQ(job(kTarget).stage, Stage::kFailed);
  EXPECT_TRUE(last(kTarget, Kind::kDiscard));
  EXPECT_EQ(claim(), "ERR There is no such import under way");
}

TEST_F(SlotMigrationsTest, WhoIsHeldForTooLongGoesOn) {
  ASSERT_EQ(begin(), "");
  name = job(kSource).name;
  tell(kSource, News::kAccepted);
  tell(kSource, News::kCopied);
  tell(kSource, News::kApplied, 0);
  tell(kSource, News::kHeld, 100);
  cluster.run(3 * kSecond);  // the replica does not acknowledge
  EXPECT_EQ(job(kSource).stage, Stage::kFailed);
  EXPECT_TRUE(cluster.state(kSource).held.empty());
  EXPECT_TRUE(recorded(kSource, MigrationRecord::Kind::kEnd));
}

TEST_F(SlotMigrationsTest, InDoubtTheSourceWaitsAndAsks) {
  handOver();
  EXPECT_NE(cluster.command(kSource, {.kind = Request::Kind::kCancelMigrations}), "");
  EXPECT_NE(cluster.command(kSource, {.kind = Request::Kind::kBumpEpoch}), "");
  tell(kSource, News::kLost);
  cluster.run(kSecond);
  EXPECT_EQ(job(kSource).stage, Stage::kClaiming);
  EXPECT_TRUE(last(kSource, Kind::kAsk));
  EXPECT_TRUE(cluster.state(kSource).held.test(0));
  EXPECT_TRUE(ask(kTarget).starts_with("DROPPED"));
  EXPECT_TRUE(last(kTarget, Kind::kDiscard));
  EXPECT_NE(claim(), "");  // the claim was on its way: it must not come true any more
  tell(kSource, News::kDropped);
  EXPECT_TRUE(cluster.state(kSource).held.empty());
  EXPECT_EQ(owned(kSource, kSource), 100u);
}

TEST_F(SlotMigrationsTest, OfASourceThatDiesTheReplicaAsksFirst) {
  handOver();
  EXPECT_EQ(claim(), "");
  commit();
  cluster.kill(kSource);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[kSourceReplica].promotions == 1; }));
  cluster.run(kSecond);
  EXPECT_EQ(owned(kSourceReplica, kSourceReplica), 0u);
  EXPECT_EQ(cluster.state(kSourceReplica).owner(100)->id, cluster.id(kSourceReplica));
  ASSERT_TRUE(last(kSourceReplica, Kind::kAsk));
  EXPECT_EQ(ask(kTarget), "");
  finishClaim();
  EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return owned(kTarget, kSourceReplica) == 100 && owned(kTarget, 2) == 100; }));
  EXPECT_EQ(job(kSourceReplica).stage, Stage::kSucceeded);
}

TEST_F(SlotMigrationsTest, AndTakesThemBackIfTheTargetNeverClaimed) {
  handOver();
  cluster.kill(kSource);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[kSourceReplica].promotions == 1; }));
  cluster.run(kSecond);
  EXPECT_TRUE(ask(kTarget).starts_with("DROPPED"));
  tell(kSourceReplica, News::kDropped);
  EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return owned(kSourceReplica, kTarget) == 100 && owned(kSourceReplica, 2) == 100; }));
  EXPECT_TRUE(recorded(kSourceReplica, MigrationRecord::Kind::kEnd));
}

TEST_F(SlotMigrationsTest, WhoTakesTheTargetsPlaceClaimsWhatWasCommitted) {
  handOver();
  ASSERT_EQ(claim(), "");
  commit();
  cluster.note(kTargetReplica, {MigrationRecord::Kind::kStage, name, cluster.id(kSource), slots(0, 99)});
  cluster.note(kTargetReplica, {MigrationRecord::Kind::kCommit, name, cluster.id(kSource), slots(0, 99)});
  cluster.kill(kTarget);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[kTargetReplica].promotions == 1; }));
  EXPECT_EQ(owned(kSource, kTargetReplica), 100u);
  cluster.run(kSecond);
  EXPECT_EQ(last(kSource, Kind::kAsk)->port, cluster.state(kTargetReplica).myself().port);
  EXPECT_EQ(ask(kTargetReplica), "");
  tell(kTargetReplica, News::kServing);
  EXPECT_EQ(cluster.state(kTargetReplica).owner(0)->id, cluster.id(kTargetReplica));
  EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return job(kSource).stage == Stage::kSucceeded; }));
}

TEST_F(SlotMigrationsTest, WhoTookThePlaceOfAForgottenTargetIsAsked) {
  handOver();
  cluster.kill(kTarget);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[kTargetReplica].promotions == 1; }));
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] {
    const Node* owner = cluster.state(kSource).owner(9'000);
    return owner != nullptr && owner->id == cluster.id(kTargetReplica);
  }));
  ASSERT_EQ(cluster.command(kSource, {.kind = Request::Kind::kForget, .node = cluster.id(kTarget)}), "");
  cluster[kSource].orders.clear();
  cluster.run(2 * kSecond);
  ASSERT_TRUE(last(kSource, Kind::kAsk));
  EXPECT_EQ(last(kSource, Kind::kAsk)->port, cluster.state(kTargetReplica).myself().port);
  EXPECT_NE(cluster.command(kSource, {.kind = Request::Kind::kCancelMigrations}), "");  // it can answer
}

TEST_F(SlotMigrationsTest, WhoTakesTheTargetsPlaceBeforeThatDropsTheCopies) {
  handOver();
  cluster.note(kTargetReplica, {MigrationRecord::Kind::kStage, name, cluster.id(kSource), slots(0, 99)});
  cluster.kill(kTarget);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[kTargetReplica].promotions == 1; }));
  EXPECT_TRUE(last(kTargetReplica, Kind::kDiscard));
  EXPECT_TRUE(ask(kTargetReplica).starts_with("DROPPED"));
  tell(kSource, News::kDropped);
  EXPECT_EQ(owned(kSource, kSource), 100u);
  EXPECT_TRUE(cluster.state(kSource).held.empty());
}

TEST_F(SlotMigrationsTest, CopiesOfSlotsThatHaveBecomeOursAreKept) {
  handOver();
  ASSERT_EQ(claim(), "");
  cluster.note(kTargetReplica, {MigrationRecord::Kind::kStage, name, cluster.id(kSource), slots(0, 99)});
  commit();
  finishClaim();
  ASSERT_TRUE(cluster.runUntil(5 * kSecond, [&] { return owned(kTarget, kTargetReplica) == 100; }));
  cluster.kill(kTarget);
  ASSERT_TRUE(cluster.runUntil(10 * kSecond, [&] { return cluster[kTargetReplica].promotions == 1; }));
  EXPECT_EQ(owned(kTargetReplica, kTargetReplica), 100u);
  EXPECT_TRUE(recorded(kTargetReplica, MigrationRecord::Kind::kCommit));
  EXPECT_FALSE(last(kTargetReplica, Kind::kDiscard));
}

TEST_F(SlotMigrationsTest, ASourceThatBeginsAnewHasGivenUpWhatItBeganBefore) {
  ASSERT_EQ(begin(), "");
  name = job(kSource).name;
  ASSERT_EQ(receive(), "");
  ASSERT_EQ(cluster.command(kSource, {.kind = Request::Kind::kCancelMigrations}), "");  // the target never hears of it
  ASSERT_EQ(begin(slots(50, 99)), "");
  name = job(kSource).name;
  EXPECT_TRUE(receive().ends_with("Try again in a moment"));
  EXPECT_EQ(job(kTarget).stage, Stage::kFailed);
  EXPECT_TRUE(last(kTarget, Kind::kDiscard));
  EXPECT_EQ(receive(), "");
}

TEST_F(SlotMigrationsTest, AFailingEndIsNoticed) {
  ASSERT_EQ(begin(), "");
  name = job(kSource).name;
  ASSERT_EQ(receive(), "");
  cluster.kill(2);
  cluster.run(3 * kSecond);
  EXPECT_TRUE(job(kSource).active() && job(kTarget).active());  // that was another node
  cluster.kill(kSource);
  EXPECT_TRUE(cluster.runUntil(5 * kSecond, [&] { return job(kTarget).stage == Stage::kFailed; }));
  EXPECT_TRUE(last(kTarget, Kind::kDiscard));
}

}  // namespace
}  // namespace vigil::cluster
