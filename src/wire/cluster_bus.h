// Packets of the cluster bus, as redis-server 7.0 speaks it (version 1). Numbers are big-endian.
//
//   0     "RCmb"          16    current epoch (8)        2128  master's id (40)     2248  bus port (2)
//   4     length (4)      24    configuration epoch (8)  2168  own address (46)     2250  flags (2)
//   8     version (2)     32    replication offset (8)   2214  extensions (2)       2252  state (1): 1 down
//   10    port (2)        40    sender's id (40)         2216  reserved (30)        2253  message flags (3)
//   12    type (2)        80    sender's slots (2048)    2246  plaintext port (2)   2256  what the type says
//   14    gossip entries (2)
//
// The reserved bytes are zero from Redis, which does not look at them. Ours begin with "Vg", then a byte of Capability.
//
// Pure; thread safe. Every length is checked before it is believed: what does not hold what it promises is no packet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/slot_set.h"

namespace vigil::wire {

inline constexpr size_t kNodeIdSize = 40;
inline constexpr size_t kBusHeaderSize = 2256;
inline constexpr size_t kBusPrefixSize = 8;  // enough to learn a packet's length

enum class BusType : uint16_t {
  kPing = 0,
  kPong = 1,
  kMeet = 2,
  kFail = 3,
  kPublish = 4,
  kVoteRequest = 5,  // FAILOVER_AUTH_REQUEST
  kVote = 6,         // FAILOVER_AUTH_ACK
  kUpdate = 7,
  kManualFailover = 8,  // MFSTART
  kModule = 9,
  kPublishShard = 10,
};
inline constexpr uint16_t kBusTypes = 11;

// Flags of a node, in headers, in gossip and (by name) in nodes.conf.
enum NodeFlag : uint16_t {
  kMaster = 1,
  kReplica = 2,
  kPfail = 4,
  kFail = 8,
  kMyself = 16,
  kHandshake = 32,
  kNoAddress = 64,
  kMeet = 128,
  kMigrateTo = 256,
  kNoFailover = 512,
};

// Message flags, the first byte.
enum BusFlag : uint8_t {
  kBusPaused = 1,    // a master whose clients are paused for a manual failover
  kBusForceVote = 2,  // a vote request although the master is not failing
  kBusKnowsExtensions = 4,
};

// What a Vigil node says of itself in the reserved bytes.
enum Capability : uint8_t {
  kKnowsExtensions = 1,  // takes the extensions that redis-server 7.0 does not know
  kMovesSlots = 2,       // takes part in atomic slot migrations, and understands their records in its master's log
};

struct BusGossip {
  std::string id;
  uint32_t pingSent = 0;      // seconds, Unix time; 0: none is under way
  uint32_t pongReceived = 0;  // seconds, Unix time
  std::string address;
  uint16_t port = 0;
  uint16_t busPort = 0;
  uint16_t flags = 0;  // NodeFlag
  uint16_t plainPort = 0;
  bool operator==(const BusGossip&) const = default;
};

struct ForgottenNode {
  std::string id;
  uint64_t seconds = 0;  // for how long
  bool operator==(const ForgottenNode&) const = default;
};

// Extensions of PING, PONG and MEET. The first alone is known to redis-server 7.0.
struct BusExtensions {
  std::optional<std::string> hostName;
  std::optional<std::string> humanName;
  std::vector<ForgottenNode> forgotten;
  std::optional<std::string> shardId;
  size_t unknown = 0;  // skipped; by the decoder
  bool empty() const { return !hostName && !humanName && forgotten.empty() && !shardId; }
};

struct BusMessage {
  BusType type = BusType::kPing;
  uint16_t port = 0;
  uint64_t currentEpoch = 0;
  uint64_t configEpoch = 0;  // of the sender, or of its master
  uint64_t offset = 0;       // of the replication log
  std::string sender;
  SlotSet slots;         // of the sender, or of its master
  std::string masterId;  // empty: the sender is a master
  std::string address;   // as the sender wants to be known; empty: whence it came
  uint16_t plainPort = 0;
  uint16_t busPort = 0;
  uint16_t flags = 0;  // NodeFlag
  bool clusterDown = false;
  uint8_t messageFlags = 0;  // BusFlag
  uint8_t capabilities = 0;  // Capability

  // By type.
  std::vector<BusGossip> gossip;  // PING, PONG, MEET
  BusExtensions extensions;       // PING, PONG, MEET
  std::string node;               // FAIL, UPDATE: whom it speaks of
  uint64_t nodeEpoch = 0;         // UPDATE
  SlotSet nodeSlots;              // UPDATE
  std::string channel;            // PUBLISH, PUBLISHSHARD
  std::string payload;

  bool isPing() const { return type == BusType::kPing || type == BusType::kPong || type == BusType::kMeet; }
};

// The length of the packet that begins like this (kBusPrefixSize bytes); an error if none does.
Result<uint32_t> busPacketLength(std::string_view prefix);
// A whole packet.
Result<BusMessage> decodeBusPacket(std::string_view packet);
// Names longer than the wire's fields are cut.
std::string encodeBusPacket(const BusMessage& message);

}  // namespace vigil::wire
