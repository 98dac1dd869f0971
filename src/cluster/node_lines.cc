#include "cluster/node_lines.h"

#include <algorithm>

#include "base/config_specials.h"

namespace vigil::cluster {

wire::NodeLine lineOf(const State& state, const Node& node, const Moment& now) {
  auto wall = [&](MonoUs at) -> int64_t { return at == 0 ? 0 : now.wall - (now.mono - at) / 1000; };
  const Node* head = node.head();
  wire::NodeLine line;
  line.id = node.id;
  line.address = node.address;
  line.port = node.port;
  line.busPort = node.busPort;
  line.hostName = node.hostName;
  line.flags = node.flags;
  if (node.master != nullptr) line.masterId = node.master->id;
  line.pingSent = wall(node.pingSent);
  line.pongReceived = wall(node.pongReceived);
  line.configEpoch = node.isReplica() && head != nullptr ? head->configEpoch : node.configEpoch;
  line.connected = node.isMyself() || node.connected;
  line.slots = node.slots.ranges();
  if (!node.isMyself()) return line;
  for (const auto& [slot, target] : state.migrating) line.migrating.emplace_back(slot, target->id);
  for (const auto& [slot, source] : state.importing) line.importing.emplace_back(slot, source->id);
  return line;
}

wire::NodesConf confOf(const State& state, const Moment& now) {
  wire::NodesConf conf;
  for (const auto& [id, node] : state.nodes()) {
    if (node->inHandshake()) continue;
    conf.nodes.push_back(lineOf(state, *node, now));
    conf.nodes.back().shardId = node->shardId;
  }
  conf.currentEpoch = state.currentEpoch;
  conf.lastVoteEpoch = state.lastVoteEpoch;
  return conf;
}

std::string nodesText(const State& state, const Moment& now) {
  std::string text;
  for (const auto& [id, node] : state.nodes()) text += wire::formatNodeLine(lineOf(state, *node, now)) + '\n';
  return text;
}

namespace {

Status restoreNodes(State& state, const wire::NodesConf& conf, const Moment& now, Dice& dice) {
  for (const wire::NodeLine& line : conf.nodes) {
    const bool mine = (line.flags & kMyself) != 0;
    if (mine) state.rename(state.myself(), line.id);
    if (!mine && state.find(line.id) != nullptr) return fail("node " + line.id + " stands there twice");
    Node& node = mine ? state.myself() : state.add(line.id, 0, {}, now.mono);
    node.flags = static_cast<uint16_t>(line.flags & ~(kHandshake | kMeet));
    node.shardId = line.shardId.empty() ? dice.nodeId() : line.shardId;
    node.address = line.address;
    node.port = line.port;
    node.busPort = line.busPort;
    node.hostName = line.hostName;
    node.configEpoch = node.isReplica() ? 0 : line.configEpoch;
    if (line.pingSent != 0) node.pingSent = now.mono;
    if (node.has(kFail)) node.failedSince = now.mono;
  }
  return {};
}

Status restoreSlots(State& state, const wire::NodeLine& line) {
  Node* node = state.find(line.id);
  for (const SlotRange& range : line.slots) {
    for (size_t slot = range.first; slot <= range.last; ++slot) {
      if (node->isReplica()) return fail("replica " + line.id + " has slots");
      if (state.owner(slot) != nullptr) return fail("slot " + std::to_string(slot) + " has two owners");
      state.assign(slot, node);
    }
  }
  for (const auto& [slot, id] : line.migrating) {
    Node* target = state.find(id);
    if (target == nullptr) return fail("slot " + std::to_string(slot) + " moves to an unknown node");
    if (state.owner(slot) == &state.myself()) state.migrating[slot] = target;
  }
  for (const auto& [slot, id] : line.importing) {
    Node* source = state.find(id);
    if (source == nullptr) return fail("slot " + std::to_string(slot) + " comes from an unknown node");
    state.importing[slot] = source;
  }
  return {};
}

}  // namespace

Status restoreState(State& state, const wire::NodesConf& conf, const Moment& now, Dice& dice) {
  if (conf.nodes.empty()) return fail("it holds no node");
  if (auto nodes = restoreNodes(state, conf, now, dice); !nodes) return nodes;
  for (const wire::NodeLine& line : conf.nodes) {
    if (line.masterId.empty()) continue;
    Node* master = state.find(line.masterId);
    if (master == nullptr) return fail("replica " + line.id + " has an unknown master");
    if (master == state.find(line.id)) return fail("node " + line.id + " is its own master");
    state.makeReplica(*state.find(line.id), master);
  }
  for (const wire::NodeLine& line : conf.nodes) {
    if (auto slots = restoreSlots(state, line); !slots) return slots;
  }
  state.currentEpoch = conf.currentEpoch;
  state.lastVoteEpoch = conf.lastVoteEpoch;
  state.currentEpoch = state.greatestEpoch();
  return {};
}

bool validHostName(std::string_view name) { return validateHostName(std::string(name)).has_value(); }

}  // namespace vigil::cluster
