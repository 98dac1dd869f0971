#include "sentinel/confirmation.h"

#include <gtest/gtest.h>

#include "sentinel/administration.h"

namespace vigil::sentinel {
namespace {

using wire::RespValue;

constexpr uint64_t kEpoch = 5;

RespValue answer(const std::string& leader, int64_t epoch) {
  RespValue down, id, voted, reply;
  down.kind = voted.kind = RespValue::Kind::kInteger;
  id.kind = RespValue::Kind::kBulk;
  id.text = leader;
  voted.integer = epoch;
  reply.kind = RespValue::Kind::kArray;
  reply.items = {down, id, voted};
  return reply;
}

// We led the failover of epoch 5; there are so many other Sentinels, all connected.
class ConfirmationTest : public testing::Test {
 protected:
  MonitoredMaster& make(size_t others) {
    EXPECT_EQ(addMaster(step, "m", "10.0.0.1", 6379, 2), "");
    MonitoredMaster& master = *state.find("m");
    for (size_t i = 0; i < others; ++i) {
      const std::string id(40, static_cast<char>('a' + i));
      Instance& sentinel = step.create(Role::kSentinel, master, id, {"10.0.0.2", static_cast<uint16_t>(26379 + i)});
      sentinel.link.commands.state = Connection::State::kUp;
      sentinels.push_back(&sentinel);
    }
    master.ledLast = true;
    master.configEpoch = kEpoch;
    return master;
  }

  State state;
  Step step{state, ms(1000)};
  std::vector<Instance*> sentinels;
};

TEST_F(ConfirmationTest, WithoutUsThereIsNoMajorityOfTwo) { EXPECT_TRUE(askForConfirmation(step, make(1))); }

TEST_F(ConfirmationTest, OneOfTwoOthersIsInEveryMajority) {
  MonitoredMaster& master = make(2);
  EXPECT_FALSE(askForConfirmation(step, master));
  ASSERT_EQ(step.out.size(), 2u);
  EXPECT_EQ(step.out[0].words[4], "5") << "the vote of the epoch that we won: nothing is given away by asking for it";
  EXPECT_TRUE(onConfirmation(step, *sentinels[0], answer("me", kEpoch)));
  EXPECT_FALSE(onConfirmation(step, *sentinels[1], answer("me", kEpoch))) << "said already";
}

TEST_F(ConfirmationTest, TwoOfFourOthersMustAnswer) {
  EXPECT_FALSE(askForConfirmation(step, make(4)));
  EXPECT_FALSE(onConfirmation(step, *sentinels[0], answer("*", 3))) << "it voted neither for us nor for another since";
  EXPECT_TRUE(onConfirmation(step, *sentinels[3], answer("me", kEpoch)));
}

TEST_F(ConfirmationTest, ANewerVoteMeansThatAnotherMayHaveDecided) {
  MonitoredMaster& master = make(2);
  askForConfirmation(step, master);
  EXPECT_FALSE(onConfirmation(step, *sentinels[0], answer("another", kEpoch + 1)));
  EXPECT_FALSE(master.ledLast);
  EXPECT_FALSE(onConfirmation(step, *sentinels[1], answer("me", kEpoch)));
}

TEST_F(ConfirmationTest, WhoDoesNotKnowTheMasterSaysNothing) {
  askForConfirmation(step, make(2));
  EXPECT_FALSE(onConfirmation(step, *sentinels[0], answer("*", 0)));
  RespValue error;
  error.kind = RespValue::Kind::kError;
  EXPECT_FALSE(onConfirmation(step, *sentinels[1], error));
}

TEST_F(ConfirmationTest, AnswersToAnEarlierQuestionDoNotCountForTheNext) {
  MonitoredMaster& master = make(4);
  askForConfirmation(step, master);
  EXPECT_FALSE(onConfirmation(step, *sentinels[0], answer("me", kEpoch)));
  Step later(state, ms(3000));
  askForConfirmation(later, master);
  EXPECT_FALSE(onConfirmation(later, *sentinels[1], answer("me", kEpoch))) << "to the first question";
  EXPECT_FALSE(onConfirmation(later, *sentinels[2], answer("me", kEpoch))) << "to the first question";
  EXPECT_FALSE(onConfirmation(later, *sentinels[1], answer("me", kEpoch)));
  EXPECT_TRUE(onConfirmation(later, *sentinels[2], answer("me", kEpoch)));
}

}  // namespace
}  // namespace vigil::sentinel
