// Whom a node serves, and where it sends others: what the engine reads of the cluster for each command. A new one
// replaces the old with the world held; it never changes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/crc16.h"
#include "cluster/state.h"

namespace vigil::cluster {

enum class EndpointType : uint8_t { kAddress, kHostName, kUnknown };  // cluster-preferred-endpoint-type

struct Routing {
  struct Target {
    std::string endpoint;    // as cluster-preferred-endpoint-type says
    uint16_t port = 0;       // for a client without TLS
    uint16_t tlsPort = 0;    // for one with it
  };
  static constexpr uint16_t kNobody = UINT16_MAX;
  static constexpr uint16_t kMyself = 0;  // the place of this node among the targets

  bool up = false;
  bool readsWhenDown = false;
  bool pubsubWhenDown = true;
  uint16_t master = kNobody;  // of this node, if it is a replica
  std::vector<Target> targets;
  std::array<uint16_t, kSlotCount> owner{};
  std::array<uint16_t, kSlotCount> movingTo{};  // slots of ours under way to another node; kNobody: it stays
  SlotSet importing;                            // slots under way to us
  SlotSet held;                                 // being handed over: commands on them wait
  bool holds = false;                           // there are such slots
  SlotSet settled;                              // ours, and not moving: while `up`, nothing else need be asked

  // This node's, or its master's.
  bool ofMyShard(uint16_t slot) const { return owner[slot] == kMyself || (owner[slot] == master && master != kNobody); }
};

struct RoutingOptions {
  EndpointType endpoint = EndpointType::kAddress;
  bool tlsPorts = false;  // a node's port is its TLS port, and its plaintext port stands beside
  bool readsWhenDown = false;
  bool pubsubWhenDown = true;
};

// As a client is told where a node is.
std::string endpointOf(const Node& node, EndpointType type);
uint16_t portOf(const Node& node, bool tlsPorts, bool tlsClient);

std::shared_ptr<const Routing> routingOf(const State& state, const RoutingOptions& options);

}  // namespace vigil::cluster
