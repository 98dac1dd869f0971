#include "wire/nodes_conf.h"

#include <gtest/gtest.h>

#include "wire/cluster_bus.h"

namespace vigil::wire {
namespace {

// As redis-server 7.0 wrote it.
constexpr char kRedis[] =
    "503c6a97241115f1188beddaee3b085d566a0ea0 :17001@27001,host.example.com myself,master - 0 0 0 connected 0-3 100 "
    "[3->-6e07aa148906b5729bfb95a13c5188343ef42205] [7-<-6e07aa148906b5729bfb95a13c5188343ef42205]\n"
    "6e07aa148906b5729bfb95a13c5188343ef42205 127.0.0.1:17002@27002 slave,fail? "
    "503c6a97241115f1188beddaee3b085d566a0ea0 0 1795724022189 3 disconnected\n"
    "vars currentEpoch 12 lastVoteEpoch 11\n";

TEST(NodesConf, ReadsWhatRedisWroteAndWritesItBack) {
  auto conf = parseNodesConf(kRedis);
  ASSERT_TRUE(conf) << conf.error().message;
  EXPECT_EQ(conf->currentEpoch, 12u);
  EXPECT_EQ(conf->lastVoteEpoch, 11u);
  ASSERT_EQ(conf->nodes.size(), 2u);
  const NodeLine& me = conf->nodes[0];
  EXPECT_EQ(me.hostName, "host.example.com");
  EXPECT_EQ(me.busPort, 27001);
  EXPECT_EQ(me.flags, kMyself | kMaster);
  EXPECT_EQ(me.slots, (std::vector<SlotRange>{{0, 3}, {100, 100}}));
  EXPECT_EQ(me.migrating.size(), 1u);
  EXPECT_EQ(me.importing.front().first, 7);
  EXPECT_EQ(conf->nodes[1].flags, kReplica | kPfail);
  EXPECT_EQ(formatNodesConf(*conf), kRedis);
}

TEST(NodesConf, ReadsTheShardOfRedis72) {
  auto conf = parseNodesConf(
      "503c6a97241115f1188beddaee3b085d566a0ea0 ::1:1@2,,shard-id=6e07aa148906b5729bfb95a13c5188343ef42205 "
      "myself,master - 0 0 0 connected\n");
  ASSERT_TRUE(conf) << conf.error().message;
  EXPECT_EQ(conf->nodes[0].shardId, "6e07aa148906b5729bfb95a13c5188343ef42205");
  EXPECT_EQ(conf->nodes[0].address, "::1");
  EXPECT_EQ(conf->nodes[0].hostName, "");
}

TEST(NodesConf, RefusesDamage) {
  const std::string whole = kRedis;
  for (const std::string damaged : {"myself", ":17001", "0-3", "[3->-", "host.example.com myself"}) {
    std::string text = whole;
    text.replace(text.find(damaged), damaged.size(), "?");
    EXPECT_FALSE(parseNodesConf(text)) << damaged;
  }
  for (const std::string address : {"\"10.0.0.1 x:1@2\"", "10.0.0.1@5:1@2", "10.0.0.1:1@2,,shard-id=x"}) {
    EXPECT_FALSE(parseNodesConf(std::string(40, 'a') + " " + address + " myself,master - 0 0 0 connected\n")) << address;
  }
  EXPECT_FALSE(parseNodesConf(whole.substr(0, 60)));
  EXPECT_TRUE(parseNodesConf(""));
}

TEST(NodesConf, NoCutOrFlippedByteCrashes) {
  const std::string whole = kRedis;
  for (size_t i = 0; i < whole.size(); ++i) {
    (void)parseNodesConf(whole.substr(0, i));
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x55);
    (void)parseNodesConf(flipped);
  }
}

}  // namespace
}  // namespace vigil::wire
