#include "cluster/speaker.h"

#include <algorithm>
#include <vector>

namespace vigil::cluster {

namespace {

bool mayBeGossiped(const Node& node) {
  // Of those that we cannot reach there is nothing to say, unless they own something, or we suspect them.
  return !node.isMyself() && !node.has(kHandshake | kNoAddress) &&
         (node.connected || node.slotCount != 0 || node.has(kPfail));
}

uint32_t seconds(UnixMs time) { return static_cast<uint32_t>(time / 1000); }

}  // namespace

BusMessage Speaker::header(BusType type) const {
  const Node& me = state_.myself();
  const Node* head = me.head();
  BusMessage message;
  message.type = type;
  message.sender = me.id;
  message.address = step_.options.address;
  message.port = step_.options.port;
  message.plainPort = step_.options.plainPort;
  message.busPort = step_.options.busPort;
  message.flags = me.flags;
  message.currentEpoch = state_.currentEpoch;
  message.configEpoch = head != nullptr ? head->configEpoch : me.configEpoch;
  if (head != nullptr) message.slots = head->slots;
  if (me.master != nullptr) message.masterId = me.master->id;
  message.offset = step_.around.offset;
  message.clusterDown = !state_.up;
  message.messageFlags = paused_ ? kBusPaused : 0;
  message.capabilities = kKnowsExtensions | kMovesSlots;
  return message;
}

BusGossip Speaker::describe(const Node& node) const {
  return {.id = node.id,
          .pingSent = seconds(step_.wallOf(node.pingSent)),
          .pongReceived = seconds(step_.wallOf(node.pongReceived)),
          .address = node.address,
          .port = node.port,
          .busPort = node.busPort,
          .flags = node.flags,
          .plainPort = node.plainPort};
}

// A tenth of the nodes, at least three, chosen by dice; and all that seem to fail. So every node hears of a failing one
// from a majority within the time for which reports are valid.
void Speaker::addGossip(BusMessage& message, const Node* to) {
  std::vector<const Node*> fresh;
  for (const auto& [id, node] : state_.nodes()) {
    if (node.get() == to || !mayBeGossiped(*node)) continue;
    if (node->has(kPfail)) {
      message.gossip.push_back(describe(*node));
    } else {
      fresh.push_back(node.get());
    }
  }
  const size_t wanted = std::min(fresh.size(), std::max<size_t>(3, state_.nodes().size() / 10));
  for (size_t i = 0; i < wanted; ++i) {
    std::swap(fresh[i], fresh[i + step_.dice.below(fresh.size() - i)]);
    message.gossip.push_back(describe(*fresh[i]));
  }
}

// Redis 7.0 knows the first alone, and warns of each other one.
void Speaker::addExtensions(BusMessage& message, const Node* to) const {
  if (!step_.options.hostName.empty()) message.extensions.hostName = step_.options.hostName;
  if (to == nullptr || (to->capabilities & kKnowsExtensions) == 0) return;
  if (!step_.options.humanName.empty()) message.extensions.humanName = step_.options.humanName;
  message.extensions.shardId = state_.myself().shardId;
}

void Speaker::send(LinkId link, const BusMessage& message) {
  if (link == 0) return;
  ++sent_[static_cast<size_t>(message.type)];
  step_.out.push_back({.kind = Effect::Kind::kSend,
                       .link = link,
                       .packet = std::make_shared<const std::string>(encodeBusPacket(message))});
}

void Speaker::broadcast(const BusMessage& message) {
  const auto packet = std::make_shared<const std::string>(encodeBusPacket(message));
  for (const auto& [id, node] : state_.nodes()) {
    if (!node->connected || node->has(kMyself | kHandshake)) continue;
    ++sent_[static_cast<size_t>(message.type)];
    step_.out.push_back({.kind = Effect::Kind::kSend, .link = node->link, .packet = packet});
  }
}

void Speaker::ping(Node& to, BusType type) {
  if (!to.connected) return;
  if (type == BusType::kPing && to.pingSent == 0) to.pingSent = step_.now.mono;
  BusMessage message = header(type);
  addGossip(message, &to);
  addExtensions(message, &to);
  send(to.link, message);
}

void Speaker::pong(LinkId link, const Node* to) {
  BusMessage message = header(BusType::kPong);
  addGossip(message, to);
  addExtensions(message, to);
  send(link, message);
}

void Speaker::sendPong(Node& to) {
  if (to.connected && !to.inHandshake()) pong(to.link, &to);
}

void Speaker::announce() {
  for (const auto& [id, node] : state_.nodes()) {
    if (!node->isMyself()) sendPong(*node);
  }
}

void Speaker::announceToSiblings() {
  const Node* master = state_.myself().master;
  if (master == nullptr) return;
  for (Node* sibling : state_.replicasOf(*master)) {
    if (!sibling->isMyself()) sendPong(*sibling);
  }
}

void Speaker::report(Node& to) { sendPong(to); }

void Speaker::failed(const Node& node) {
  BusMessage message = header(BusType::kFail);
  message.node = node.id;
  broadcast(message);
}

void Speaker::update(Node& to, const Node& owner) {
  if (!to.connected) return;
  BusMessage message = header(BusType::kUpdate);
  message.node = owner.id;
  message.nodeEpoch = owner.configEpoch;
  message.nodeSlots = owner.slots;
  send(to.link, message);
}

void Speaker::requestVotes(const Node* failedMaster, bool force) {
  BusMessage request = header(BusType::kVoteRequest);
  if (force) request.messageFlags |= kBusForceVote;
  if (failedMaster != nullptr) failed(*failedMaster);
  broadcast(request);
}

void Speaker::vote(Node& to) {
  if (to.connected) send(to.link, header(BusType::kVote));
}

// After a PONG: a redis-server hands over to nobody whom it does not know as its replica.
void Speaker::requestManualFailover(Node& master) {
  if (!master.connected) return;
  sendPong(master);
  send(master.link, header(BusType::kManualFailover));
}

void Speaker::forget(const Node& node, uint64_t seconds) {
  for (const auto& [id, to] : state_.nodes()) {
    if (to->isMyself() || to.get() == &node || (to->capabilities & kKnowsExtensions) == 0 || !to->connected) continue;
    BusMessage message = header(BusType::kPing);
    message.extensions.forgotten.push_back({node.id, seconds});
    send(to->link, message);
  }
}

void Speaker::publish(std::string_view channel, std::string_view payload, bool shard) {
  BusMessage message = header(shard ? BusType::kPublishShard : BusType::kPublish);
  message.channel = channel;
  message.payload = payload;
  if (!shard) return broadcast(message);
  const Node* head = state_.myself().head();
  for (const auto& [id, node] : state_.nodes()) {
    if (!node->isMyself() && node->connected && head != nullptr && node->head() == head) send(node->link, message);
  }
}

}  // namespace vigil::cluster
