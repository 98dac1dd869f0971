#include "replication/master_side.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace vigil::replication
