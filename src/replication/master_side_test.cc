#include "replication/master_side.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace vigil::replication {
namespace {

// A replica that has been sent its snapshot over a file is online before it has loaded it.
TEST(MasterSideTest, ASnapshotThatWasSentIsNotAcknowledged) {
  constexpr uint64_t kId = 7;
  const MasterOptions options{.diskless = false};
  MasterSide master;
  master.attachFull(1, kId, {}, "10.0.0.1", options);
  master.snapshotBegan(2, {kId}, 100);
  master.snapshotSent(3, kId);
  EXPECT_EQ(master.find(kId)->state, ReplicaState::kOnline);
  EXPECT_EQ(master.countAcked(100), 0U);
  master.acked(4, kId, 100, -1);
  EXPECT_EQ(master.countAcked(100), 1U);
  EXPECT_EQ(master.countAcked(101), 0U);
}

bool drops(const Effects& effects) {
  return std::ranges::any_of(effects, [](const Effect& effect) { return effect.kind == Effect::Kind::kDrop; });
}

// One whose socket takes nothing is dropped after repl-timeout, one that is slow is not.
TEST(MasterSideTest, AReplicaThatHangsInItsSnapshotIsDropped) {
  constexpr MonoUs kSecond = 1'000'000;
  constexpr uint64_t kSlow = 7;
  constexpr uint64_t kHung = 8;
  const MasterOptions options{.diskless = true, .disklessDelaySeconds = 0, .timeoutSeconds = 60};
  MasterSide master;
  ReplicaTraits traits;
  traits.eof = true;
  for (const uint64_t id : {kSlow, kHung}) master.attachFull(1, id, traits, "10.0.0.1", options);
  master.snapshotBegan(2, {kSlow, kHung}, 100);
  for (MonoUs now = kSecond; now < 60 * kSecond; now += kSecond) {
    master.snapshotFlowed(now - 59 * kSecond, kSlow);
    master.snapshotFlowed(2, kHung);
    EXPECT_FALSE(drops(master.tick(now, true, true, options))) << now;
  }
  master.snapshotFlowed(10 * kSecond, kSlow);
  const Effects effects = master.tick(61 * kSecond, true, true, options);
  ASSERT_TRUE(drops(effects));
  for (const Effect& effect : effects) {
    if (effect.kind == Effect::Kind::kDrop) {
      EXPECT_EQ(effect.id, kHung);
    }
  }
}

}  // namespace
}  // namespace vigil::replication
