#include "wire/cluster_bus.h"

#include <gtest/gtest.h>

#include <map>

namespace vigil::wire {
namespace {

const std::string kA(40, 'a');
const std::string kB(40, 'b');

// A MEET that redis-server 7.0.15 sent: its bytes that are not zero, by place.
std::string meetOfRedis() {
  const std::map<size_t, std::string> parts = {
      {0, "RCmb"},
      {6, "\x08\xf0"},  // 2288 bytes
      {9, "\x01"},
      {10, "\x42\x69"},  // port 17001
      {13, "\x02"},
      {40, "503c6a97241115f1188beddaee3b085d566a0ea0"},
      {80, "\x0f"},  // slots 0-3
      {92, "\x10"},  // slot 100
      {2215, "\x01"},
      {2248, "\x69\x79"},  // bus port 27001
      {2251, "\x11"},      // myself, master
      {2252, "\x01"},      // cluster down
      {2253, "\x04"},
      {2259, "\x20"},
      {2264, "host.example.com"},
  };
  std::string packet(2288, '\0');
  for (const auto& [at, bytes] : parts) packet.replace(at, bytes.size(), bytes);
  return packet;
}

BusMessage full(BusType type) {
  BusMessage message;
  message.type = type;
  message.port = 7000;
  message.currentEpoch = 0x0102030405060708;
  message.configEpoch = 5;
  message.offset = 99;
  message.sender = kA;
  message.slots.setRange({5461, 10922});
  message.masterId = kB;
  message.address = "10.0.0.1";
  message.busPort = 17000;
  message.flags = kMyself | kReplica;
  message.capabilities = kKnowsExtensions;
  if (message.isPing()) {
    message.gossip.push_back({kB, 1, 2, "10.0.0.2", 7001, 17001, kMaster | kPfail, 0});
    message.extensions.hostName = "seven77";
    message.extensions.humanName = "eight888";
    message.extensions.forgotten.push_back({kB, 60});
    message.extensions.shardId = kA;
  }
  message.node = kB;
  message.nodeEpoch = 3;
  message.nodeSlots.set(16383);
  message.channel = "news";
  message.payload = std::string("a\0b", 3);
  return message;
}

TEST(ClusterBus, ReadsRedissMeetAndWritesTheSameBytes) {
  const std::string packet = meetOfRedis();
  auto message = decodeBusPacket(packet);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->type, BusType::kMeet);
  EXPECT_EQ(message->port, 17001);
  EXPECT_EQ(message->busPort, 27001);
  EXPECT_EQ(message->flags, kMyself | kMaster);
  EXPECT_EQ(message->slots.ranges(), (std::vector<SlotRange>{{0, 3}, {100, 100}}));
  EXPECT_TRUE(message->clusterDown);
  EXPECT_EQ(message->extensions.hostName, "host.example.com");
  EXPECT_EQ(message->capabilities, 0);
  EXPECT_EQ(encodeBusPacket(*message), packet);
}

TEST(ClusterBus, EveryTypeComesBackAsItWas) {
  for (uint16_t type = 0; type < kBusTypes; ++type) {
    const BusMessage sent = full(static_cast<BusType>(type));
    const std::string packet = encodeBusPacket(sent);
    EXPECT_EQ(busPacketLength(packet.substr(0, kBusPrefixSize)), packet.size());
    auto got = decodeBusPacket(packet);
    ASSERT_TRUE(got) << type << ": " << got.error().message;
    EXPECT_EQ(encodeBusPacket(*got), packet) << type;
    EXPECT_EQ(got->masterId, kB);
    EXPECT_EQ(got->currentEpoch, sent.currentEpoch);
    EXPECT_EQ(got->capabilities, kKnowsExtensions);
    EXPECT_EQ(got->gossip, sent.gossip);
    EXPECT_EQ(got->extensions.forgotten, sent.extensions.forgotten);
    EXPECT_EQ(got->extensions.shardId, sent.extensions.shardId);
  }
}

TEST(ClusterBus, SkipsUnknownExtensions) {
  BusMessage message = full(BusType::kPing);
  std::string packet = encodeBusPacket(message);
  packet[kBusHeaderSize + 104 + 5] = 9;  // the first extension's type
  auto got = decodeBusPacket(packet);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->extensions.unknown, 1u);
  EXPECT_FALSE(got->extensions.hostName);
  EXPECT_EQ(got->extensions.humanName, "eight888");
}

TEST(ClusterBus, RefusesWhatDoesNotHoldWhatItPromises) {
  const std::string good = encodeBusPacket(full(BusType::kPing));
  auto broken = [&](size_t at, char byte) {
    std::string packet = good;
    packet[at] = byte;
    return decodeBusPacket(packet).has_value();
  };
  EXPECT_FALSE(broken(0, 'X'));
  EXPECT_FALSE(broken(7, 1));     // length
  EXPECT_FALSE(broken(9, 2));     // version
  EXPECT_FALSE(broken(13, 11));   // type
  EXPECT_FALSE(broken(14, 1));    // gossip entries
  EXPECT_FALSE(broken(16, '\x80'));  // current epoch
  EXPECT_TRUE(broken(16, '\x7f'));
  EXPECT_FALSE(broken(24, '\xff'));  // epoch of the configuration
  EXPECT_FALSE(broken(40, '?'));  // sender
  EXPECT_FALSE(broken(2168, '\n'));  // own address
  EXPECT_FALSE(broken(2214, 1));     // extensions
  EXPECT_FALSE(broken(kBusHeaderSize + 48, ' '));       // an address in gossip
  EXPECT_FALSE(broken(kBusHeaderSize + 104 + 3, 7));    // an extension's length
  EXPECT_FALSE(broken(kBusHeaderSize + 104 + 2, '\x7f'));
  std::string publish = encodeBusPacket(full(BusType::kPublish));
  publish[kBusHeaderSize] = '\xff';
  EXPECT_FALSE(decodeBusPacket(publish));
  std::string update = encodeBusPacket(full(BusType::kUpdate));
  update[kBusHeaderSize] = '\x80';
  EXPECT_FALSE(decodeBusPacket(update));
  BusMessage itself = full(BusType::kPing);
  itself.masterId = itself.sender;
  EXPECT_FALSE(decodeBusPacket(encodeBusPacket(itself)));
  EXPECT_FALSE(busPacketLength(std::string("RCmb\0\0\0\x10", 8)));
  EXPECT_FALSE(busPacketLength(std::string("RCmb\xff\xff\xff\xff", 8)));
}

TEST(ClusterBus, NoCutOrFlippedByteCrashes) {
  for (uint16_t type = 0; type < kBusTypes; ++type) {
    const std::string good = encodeBusPacket(full(static_cast<BusType>(type)));
    for (size_t i = 0; i < good.size(); i += i < 80 || i > 2100 ? 1 : 97) {
      std::string cut = good.substr(0, i);
      if (cut.size() >= kBusPrefixSize) {  // as long as it says
        cut[6] = static_cast<char>(i >> 8);
        cut[7] = static_cast<char>(i & 0xff);
      }
      (void)decodeBusPacket(cut);
      std::string flipped = good;
      flipped[i] = static_cast<char>(flipped[i] ^ 0xff);
      (void)decodeBusPacket(flipped);
    }
  }
}

}  // namespace
}  // namespace vigil::wire
