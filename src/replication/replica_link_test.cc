// The replica's side as transcripts: what happens to it, and what it asks for.
#include "replication/replica_link.h"

#include <gtest/gtest.h>

namespace vigil::replication {
namespace {

using Kind = LinkEvent::Kind;

const std::string kOld(40, 'a');
const std::string kNew(40, 'b');
const MasterAddress kMaster{"10.0.0.1", 6379};

class ReplicaLinkTest : public testing::Test {
 protected:
  // What the step asks for, without the lines of the log.
  std::string step(LinkEvent event) {
    event.attempt = link.attempt();
    Effects effects;
    for (Effect& effect : link.step(now, event, at, options)) {
      if (effect.kind == Effect::Kind::kSetHistory || effect.kind == Effect::Kind::kBecomeMaster) at.history = effect.history;
      if (effect.kind == Effect::Kind::kInstall) at = {effect.history, effect.offset};
      if (effect.kind == Effect::Kind::kLog) {
        logged += effect.text + "\n";
      } else {
        effects.push_back(std::move(effect));
      }
    }
    return describe(effects);
  }
  std::string line(std::string text) { return step({.kind = Kind::kLine, .text = std::move(text)}); }
  std::string tick(MonoUs passed) {
    now += passed;
    return step({.kind = Kind::kTick});
  }
  void handshake() {
    step({.kind = Kind::kConnected});
    line("+PONG");
    line("+OK");
    line("+OK");
  }
  // A full resync from a master of history `id` that offers so many keys, in place of `held`.
  std::string resync(const std::string& id, uint64_t offered, uint64_t held) {
    handshake();
    line("+FULLRESYNC " + id + " 100");
    step({.kind = Kind::kTransferBegins, .offset = -1});
    return step({.kind = Kind::kLoaded, .offeredKeys = offered, .heldKeys = held});
  }
  void follow() { step({.kind = Kind::kFollow, .master = kMaster, .text = "a test"}); }

  MonoUs now = 1'000'000;
  Position at{oplog::History{.id = std::string(40, '0')}, 0};
  LinkOptions options;
  ReplicaLink link{false, 1};
  std::string logged;
};

TEST_F(ReplicaLinkTest, FullThenPartialResync) {
  EXPECT_EQ(step({.kind = Kind::kFollow, .master = kMaster, .text = "a test"}), "become replica\nconnect 10.0.0.1:6379\n");
  EXPECT_EQ(step({.kind = Kind::kConnected}), "send *1\\r\\n$4\\r\\nPING\\r\\n\n");
  EXPECT_NE(line("+PONG").find("listening-port"), std::string::npos);
  EXPECT_EQ(line("+OK"), "");
  EXPECT_NE(line("+OK").find("PSYNC"), std::string::npos);
  EXPECT_EQ(line("+FULLRESYNC " + kOld + " 100"), "receive snapshot aaaa at 100\n");
  EXPECT_EQ(step({.kind = Kind::kLoaded, .offeredKeys = 5}), "install aaaa at 100\ndrop replicas\nstream\n");
  EXPECT_EQ(link.stateName(), "connected");

  at.end = 150;
  EXPECT_EQ(step({.kind = Kind::kBroken}), "disconnect\nconnect 10.0.0.1:6379\n");
  handshake();
  EXPECT_EQ(line("+CONTINUE " + kNew), "history bbbb after aaaa up to 151\ndrop replicas\nstream\n");
}

TEST_F(ReplicaLinkTest, AnEmptyMasterIsRefusedUntilToldOtherwise) {
  follow();
  EXPECT_EQ(resync(kOld, 5, 0), "install aaaa at 100\ndrop replicas\nstream\n");
  step({.kind = Kind::kBroken});
  EXPECT_EQ(resync(kNew, 0, 5), "disconnect\n");
  EXPECT_TRUE(link.refusesEmptyMaster());
  EXPECT_NE(logged.find("Refusing the full resync from MASTER 10.0.0.1:6379"), std::string::npos);

  // It asks again after a second, then after two.
  EXPECT_EQ(tick(900'000), "");
  EXPECT_EQ(tick(200'000), "connect 10.0.0.1:6379\n");
  EXPECT_EQ(resync(kNew, 0, 5), "disconnect\n");
  EXPECT_EQ(tick(1'900'000), "");
  EXPECT_EQ(tick(200'000), "connect 10.0.0.1:6379\n");
  EXPECT_EQ(resync(kNew, 1, 5), "install bbbb at 100\ndrop replicas\nstream\n");
  EXPECT_FALSE(link.refusesEmptyMaster());

  step({.kind = Kind::kBroken});
  EXPECT_EQ(resync(kOld, 0, 1), "disconnect\n");
  follow();
  EXPECT_FALSE(link.refusesEmptyMaster());
  EXPECT_EQ(resync(kOld, 0, 1), "install aaaa at 100\ndrop replicas\nstream\n");
}

TEST_F(ReplicaLinkTest, EmptyIsBelievedWhereItIsNoLoss) {
  follow();
  EXPECT_NE(resync(kOld, 0, 7), "disconnect\n") << "nobody was followed before";
  step({.kind = Kind::kBroken});
  EXPECT_NE(resync(kOld, 0, 7), "disconnect\n") << "the same history: FLUSHALL";
  step({.kind = Kind::kBroken});
  EXPECT_NE(resync(kNew, 0, 0), "disconnect\n") << "there is nothing to lose";
  step({.kind = Kind::kBroken});
  options.refuseEmptyMaster = false;
  EXPECT_NE(resync(kOld, 0, 7), "disconnect\n") << "the option says so";
}

TEST_F(ReplicaLinkTest, AsksByTheNameThatOthersKnow) {
  const oplog::History cameBack = oplog::History{.id = kOld}.continuedByUsAs(kNew, 100);
  oplog::History told = cameBack;
  told.untold = false;
  const struct {
    Position at;
    const std::string& name;
  } cases[] = {{{cameBack, 100}, kOld}, {{cameBack, 101}, kNew}, {{told, 100}, kNew}};
  for (const auto& [position, name] : cases) {
    at = position;
    follow();
    step({.kind = Kind::kConnected});
    line("+PONG");
    line("+OK");
    EXPECT_NE(line("+OK").find(name), std::string::npos);
  }
}

TEST_F(ReplicaLinkTest, AStreamThatIsRefusedForTheThirdTimeIsAskedForAnew) {
  follow();
  resync(kOld, 5, 0);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(step({.kind = Kind::kRefused, .text = "a foreign command"}), "disconnect\n");
    EXPECT_EQ(tick(4'900'000), "");
    EXPECT_EQ(tick(200'000), "connect 10.0.0.1:6379\n");
    step({.kind = Kind::kConnected});
    line("+PONG");
    line("+OK");
    EXPECT_EQ(line("+OK").find("PSYNC\\r\\n$1\\r\\n?") != std::string::npos, i == 3) << i;
    if (i < 3) line("+CONTINUE");
  }
}

TEST_F(ReplicaLinkTest, WhatCannotBeLoadedIsAskedForLessAndLessOften) {
  follow();
  MonoUs longest = 0;
  for (int i = 0; i < 8; ++i) {
    handshake();
    line("+FULLRESYNC " + kOld + " 100");
    step({.kind = Kind::kLoadFailed, .text = "a foreign type"});
    MonoUs waited = 0;
    while (tick(100'000).find("connect") == std::string::npos) waited += 100'000;
    EXPECT_GE(waited, longest);
    longest = waited;
  }
  EXPECT_GE(longest, 31'000'000);
}

TEST_F(ReplicaLinkTest, HandOver) {
  at = {oplog::History{.id = kOld}, 100};
  EXPECT_EQ(step({.kind = Kind::kHandOver, .master = kMaster}), "become replica\nconnect 10.0.0.1:6379\n");
  step({.kind = Kind::kConnected});
  line("+PONG");
  line("+OK");
  EXPECT_EQ(line("+OK"), "hand-over is asked for\nsend *4\\r\\n$5\\r\\nPSYNC\\r\\n$40\\r\\n" + kOld +
                             "\\r\\n$3\\r\\n101\\r\\n$8\\r\\nFAILOVER\\r\\n\n");
  EXPECT_EQ(line("+CONTINUE " + kNew), "hand-over accepted\nhistory bbbb after aaaa up to 101\ndrop replicas\nstream\n");
  // Once is enough: the next PSYNC is an ordinary one.
  step({.kind = Kind::kBroken});
  step({.kind = Kind::kConnected});
  line("+PONG");
  line("+OK");
  EXPECT_EQ(line("+OK").find("FAILOVER"), std::string::npos);
}

TEST_F(ReplicaLinkTest, HandOverRefused) {
  at = {oplog::History{.id = kOld}, 100};
  step({.kind = Kind::kHandOver, .master = kMaster});
  handshake();
  EXPECT_EQ(line("-ERR PSYNC FAILOVER replid must match my replid."),
            "hand-over refused -ERR PSYNC FAILOVER replid must match my replid.\n");
  EXPECT_EQ(step({.kind = Kind::kPromote, .text = "test", .newId = kNew}),
            "disconnect\nbecome master of bbbb after aaaa up to 101\ndrop replicas\n");
}

}  // namespace
}  // namespace vigil::replication
