#include "replication/failover.h"

#include <gtest/gtest.h>

#include <vector>

namespace vigil::replication {
namespace {

using Kind = Failover::Event::Kind;
using State = Failover::State;

constexpr MonoUs kSecond = 1'000'000;
const MasterAddress kFirst{"10.0.0.1", 6379};
const MasterAddress kSecondReplica{"10.0.0.2", 6379};

class FailoverTest : public testing::Test {
 protected:
  std::string start(FailoverRequest request) {
    std::string error = failover.start(now, std::move(request), peers);
    failover.writesEndAt(100);
    return error;
  }
  std::string step(Kind kind = Kind::kProgress, std::string text = {}) {
    Effects effects;
    for (Effect& effect : failover.step(now, {kind, std::move(text)}, peers, 60 * kSecond)) {
      if (effect.kind != Effect::Kind::kLog) effects.push_back(std::move(effect));
    }
    return describe(effects);
  }

  MonoUs now = kSecond;
  std::vector<Failover::Peer> peers{{kFirst, true, 90}, {kSecondReplica, true, 90}};
  Failover failover;
};

TEST_F(FailoverTest, WhoeverHasEverythingFirst) {
  EXPECT_EQ(start({}), "");
  EXPECT_EQ(step(), "");
  peers[1].acked = 100;
  EXPECT_EQ(step(), "hand over to 10.0.0.2:6379\n");
  EXPECT_EQ(failover.state(), State::kInProgress);
  EXPECT_EQ(step(Kind::kAccepted), "resume writes\n");
  EXPECT_EQ(failover.state(), State::kNone);
}

TEST_F(FailoverTest, OnlyTheTarget) {
  EXPECT_EQ(start({.target = kFirst, .timeoutMs = 500}), "");
  peers[1].acked = 100;
  EXPECT_EQ(step(), "");
  now += kSecond / 2;
  EXPECT_EQ(step(), "resume writes\n");
  EXPECT_EQ(failover.state(), State::kNone);
}

TEST_F(FailoverTest, Force) {
  EXPECT_EQ(start({.target = kFirst, .force = true, .timeoutMs = 500}), "");
  now += kSecond;
  EXPECT_EQ(step(), "hand over to 10.0.0.1:6379\n");
  EXPECT_EQ(step(Kind::kRejected, "-ERR"), "take back\nresume writes\n");
}

TEST_F(FailoverTest, ATargetThatWasAskedMayBeMaster) {
  EXPECT_EQ(start({}), "");
  peers[0].acked = 100;
  step();
  EXPECT_EQ(step(Kind::kAsked), "");
  now += 600 * kSecond;
  EXPECT_EQ(step(), "");
  EXPECT_EQ(step(Kind::kAsked), "");  // again, over another connection
  EXPECT_EQ(step(Kind::kAccepted), "resume writes\n");
}

TEST_F(FailoverTest, ATargetThatCannotBeAsked) {
  EXPECT_EQ(start({}), "");
  peers[0].acked = 100;
  step();
  now += 59 * kSecond;
  EXPECT_EQ(step(), "");
  now += 2 * kSecond;
  EXPECT_EQ(step(), "take back\nresume writes\n");
}

TEST_F(FailoverTest, AnAbortedHandOverIsNotCarriedOut) {
  EXPECT_EQ(start({}), "");
  peers[0].acked = 100;
  Effects effects = failover.step(now, {}, peers, kSecond);
  const uint64_t number = effects.back().id;
  EXPECT_TRUE(failover.mayHandOver(number));
  EXPECT_EQ(step(Kind::kAbort), "take back\nresume writes\n");
  EXPECT_FALSE(failover.mayHandOver(number));
  EXPECT_EQ(start({}), "");
  step();
  EXPECT_FALSE(failover.mayHandOver(number));
}

TEST_F(FailoverTest, Refusals) {
  EXPECT_EQ(start({.target = {}, .force = true}),
            "ERR FAILOVER with force option requires both a timeout and target HOST and IP.");
  EXPECT_EQ(start({.target = MasterAddress{"10.0.0.3", 1}}), "ERR FAILOVER target HOST and PORT is not a replica.");
  peers[0].online = false;
  EXPECT_EQ(start({.target = kFirst}), "ERR FAILOVER target replica is not online.");
  EXPECT_EQ(start({}), "");
  EXPECT_EQ(start({}), "ERR FAILOVER already in progress.");
  EXPECT_EQ(step(Kind::kAccepted), "") << "nothing was handed over yet";
}

}  // namespace
}  // namespace vigil::replication
