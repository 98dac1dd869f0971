// A node of the cluster as this one knows it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/ports/clock.h"
#include "base/slot_set.h"
#include "cluster/effect.h"
#include "wire/cluster_bus.h"

namespace vigil::cluster {

using namespace wire;  // NodeFlag: kMaster, kReplica, kPfail …

struct Node {
  std::string id;  // made up by us until the handshake is over
  uint16_t flags = 0;
  uint64_t configEpoch = 0;  // durable; of a master; only grows, but for CLUSTER RESET
  Node* master = nullptr;    // of a replica; may be unknown
  SlotSet slots;             // changed by State alone
  size_t slotCount = 0;

  std::string address;  // empty: not known
  uint16_t port = 0;
  uint16_t plainPort = 0;
  uint16_t busPort = 0;
  std::string hostName;
  std::string humanName;
  std::string shardId;  // of its kind announced it, else made up; a replica's is its master's
  uint8_t capabilities = 0;

  // Monotonic; 0: never, or not now.
  MonoUs created = 0;
  MonoUs pingSent = 0;      // a ping without an answer
  MonoUs pongReceived = 0;
  MonoUs heard = 0;         // anything at all
  MonoUs failedSince = 0;   // since when it has kFail
  MonoUs votedAt = 0;       // a master: when we last voted for one of its replicas
  MonoUs orphanedSince = 0;  // a master that had working replicas, and has none any more
  MonoUs refusedSince = 0;  // each attempt to connect has been refused
  MonoUs connectAt = 0;     // no attempt to connect before
  uint64_t offset = 0;      // of its replication log, as it said
  MonoUs offsetAt = 0;
  std::map<std::string, MonoUs> reports;  // masters that say it is failing, and when they last did

  LinkId link = 0;        // ours to it
  bool connected = false;  // that link stands
  MonoUs linkSince = 0;
  LinkId inbound = 0;      // its link to us, once we know whose it is

  bool has(uint16_t flag) const { return (flags & flag) != 0; }
  void add(uint16_t flag) { flags = static_cast<uint16_t>(flags | flag); }
  void drop(uint16_t flag) { flags = static_cast<uint16_t>(flags & ~flag); }

  bool isMyself() const { return has(kMyself); }
  bool isMaster() const { return has(kMaster); }
  bool isReplica() const { return has(kReplica); }
  bool failing() const { return has(kPfail | kFail); }
  bool inHandshake() const { return has(kHandshake); }
  bool votes() const { return isMaster() && slotCount != 0; }
  // Whose slots and configuration epoch it speaks for.
  Node* head() { return isReplica() ? master : this; }
  const Node* head() const { return isReplica() ? master : this; }
};

}  // namespace vigil::cluster
