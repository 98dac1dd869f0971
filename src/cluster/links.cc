#include "cluster/links.h"

#include <algorithm>
#include <vector>

namespace vigil::cluster {

namespace {

constexpr MonoUs kRetry = 100'000;
constexpr MonoUs kShortestHandshake = 1'000'000;
constexpr MonoUs kRandomPingPeriod = 1'000'000;
constexpr size_t kRandomPingOf = 5;

}  // namespace

MonoUs Links::handshakeTimeout() const { return std::max(step_.options.nodeTimeout, kShortestHandshake); }

void Links::tick() {
  std::vector<Node*> strangers;
  for (const auto& [id, node] : state_.nodes()) {
    if (node->isMyself()) continue;
    if (node->inHandshake() && step_.now.mono - node->created > handshakeTimeout()) {
      strangers.push_back(node.get());
    } else {
      keepLink(*node);
    }
  }
  for (Node* node : strangers) remove(*node);
  pingOldest();
}

void Links::keepLink(Node& node) {
  if (node.has(kNoAddress)) return;
  const MonoUs now = step_.now.mono;
  const MonoUs half = step_.options.nodeTimeout / 2;
  if (node.link == 0) {
    if (now >= node.connectAt) connect(node);
    return;
  }
  if (!node.connected || node.inHandshake()) return;
  if (node.pingSent == 0) {
    if (now - node.pongReceived > half) speaker_.ping(node);
  } else if (now - node.linkSince > step_.options.nodeTimeout && now - node.pingSent > half && now - node.heard > half) {
    // Perhaps only this connection is dead: a new one shows it in time.
    close(node);
    connect(node);
  }
}

void Links::pingOldest() {
  if (step_.now.mono - lastRandomPing_ < kRandomPingPeriod) return;
  lastRandomPing_ = step_.now.mono;
  std::vector<Node*> candidates;
  for (const auto& [id, node] : state_.nodes()) {
    if (node->connected && node->pingSent == 0 && !node->has(kMyself | kHandshake)) candidates.push_back(node.get());
  }
  Node* oldest = nullptr;
  for (size_t i = 0; i < std::min(kRandomPingOf, candidates.size()); ++i) {
    Node* node = candidates[step_.dice.below(candidates.size())];
    if (oldest == nullptr || node->pongReceived < oldest->pongReceived) oldest = node;
  }
  if (oldest != nullptr) speaker_.ping(*oldest);
}

void Links::connect(Node& node) {
  node.link = ++lastLink_;
  node.connected = false;
  step_.out.push_back(
      {.kind = Effect::Kind::kConnect, .link = node.link, .address = node.address, .port = node.busPort});
}

void Links::connected(LinkId link) {
  Node* node = state_.findLink(link);
  if (node == nullptr || node->link != link) return;
  node->connected = true;
  node->linkSince = step_.now.mono;
  node->refusedSince = 0;
  const bool meets = node->has(kMeet);
  node->drop(kMeet);  // once: if the other end does not take it, the handshake times out
  speaker_.ping(*node, meets ? BusType::kMeet : BusType::kPing);
}

void Links::closed(LinkId link, bool refused) {
  Node* node = state_.findLink(link);
  if (node == nullptr) return;
  if (node->inbound == link) {
    node->inbound = 0;
    return;
  }
  const bool stood = node->connected;
  node->link = 0;
  node->connected = false;
  if (refused) {
    failures_.refused(*node);
  } else if (!stood) {
    node->refusedSince = 0;
    if (node->pingSent == 0) node->pingSent = step_.now.mono;
  }
  // One that breaks is replaced at once, which also shows whether the node still listens.
  const bool soon = stood && step_.now.mono - node->linkSince > kRetry;
  node->connectAt = step_.now.mono + (soon ? 0 : kRetry);
  if (soon && !node->has(kNoAddress)) connect(*node);
  step_.wake(node->connectAt);
}

void Links::close(Node& node) {
  if (node.link == 0) return;
  step_.out.push_back({.kind = Effect::Kind::kClose, .link = node.link});
  node.link = 0;
  node.connected = false;
}

void Links::remove(Node& node) {
  close(node);
  if (node.inbound != 0) step_.out.push_back({.kind = Effect::Kind::kClose, .link = node.inbound});
  state_.remove(node);
  step_.save = step_.judge = step_.route = true;
}

bool Links::meet(std::string address, uint16_t port, uint16_t busPort, uint16_t flags) {
  for (const auto& [id, node] : state_.nodes()) {
    if (node->inHandshake() && node->address == address && node->busPort == busPort) return false;
  }
  Node& node = state_.add(step_.dice.nodeId(), static_cast<uint16_t>(kHandshake | flags), {}, step_.now.mono);
  node.address = std::move(address);
  node.port = port;
  node.busPort = busPort;
  connect(node);
  return true;
}

bool Links::banned(const std::string& id) {
  std::erase_if(banned_, [this](const auto& entry) { return entry.second <= step_.now.mono; });
  return banned_.contains(id);
}

}  // namespace vigil::cluster
