// nodes.conf, what a node of a cluster remembers, in Redis's format:
//
//   <id> <ip>:<port>@<bus port>[,<host name>[,shard-id=<id>]] <flags> <master's id or -> <ping sent> <pong received>
//        <configuration epoch> <link state> [<slots> …]         a line per node; slots: 7, 0-5460, [7->-<id>], [7-<-<id>]
//   vars currentEpoch <n> lastVoteEpoch <n>
//
// CLUSTER NODES prints the same lines without the shard's id. Pure; thread safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/slot_set.h"

namespace vigil::wire {

struct NodeLine {
  std::string id;
  std::string address;
  uint16_t port = 0;
  uint16_t busPort = 0;
  std::string hostName;
  std::string shardId;     // written if it is not empty
  uint16_t flags = 0;      // NodeFlag
  std::string masterId;    // empty: none
  int64_t pingSent = 0;    // milliseconds, Unix time; 0: none is under way
  int64_t pongReceived = 0;
  uint64_t configEpoch = 0;
  bool connected = false;
  std::vector<SlotRange> slots;
  std::vector<std::pair<uint16_t, std::string>> migrating;  // slot, and the node it goes to
  std::vector<std::pair<uint16_t, std::string>> importing;  // slot, and the node it comes from
  bool operator==(const NodeLine&) const = default;
};

struct NodesConf {
  std::vector<NodeLine> nodes;
  uint64_t currentEpoch = 0;
  uint64_t lastVoteEpoch = 0;
  bool operator==(const NodesConf&) const = default;
};

std::string flagNames(uint16_t flags);          // "myself,master", "noflags"
std::string formatNodeLine(const NodeLine& line);  // without its end
std::string formatNodesConf(const NodesConf& conf);
// The error says which line is damaged and how. An empty text holds no nodes.
Result<NodesConf> parseNodesConf(std::string_view text);

}  // namespace vigil::wire
