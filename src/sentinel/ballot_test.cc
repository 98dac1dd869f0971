#include "sentinel/ballot.h"

#include <gtest/gtest.h>

namespace vigil::sentinel {
namespace {

TEST(Ballot, OneVoteAnEpoch) {
  Ballot ballot;
  EXPECT_TRUE(ballot.vote(3, "a", 3));
  EXPECT_FALSE(ballot.vote(3, "b", 3));
  EXPECT_FALSE(ballot.vote(3, "a", 3)) << "it is given already";
  EXPECT_EQ(ballot.leader, "a");
  EXPECT_TRUE(ballot.vote(4, "b", 4));
}

TEST(Ballot, NoneInThePast) {
  Ballot ballot;
  EXPECT_FALSE(ballot.vote(2, "a", 5));
  EXPECT_EQ(ballot.epoch, 0u);
}

TEST(Tally, MajorityAndQuorum) {
  Tally tally;
  tally.add("a");
  tally.add("a");
  EXPECT_EQ(tally.winner(3, 2), "a");
  EXPECT_EQ(tally.winner(3, 3), "") << "the quorum is greater";
  EXPECT_EQ(tally.winner(4, 1), "") << "two of four are no majority";
  tally.add("b");
  EXPECT_EQ(tally.winner(5, 1), "");
}

}  // namespace
}  // namespace vigil::sentinel
