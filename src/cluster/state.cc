#include "cluster/state.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

namespace vigil::cluster {

State::State(std::string id, std::string shardId, MonoUs now)
    : myself_(&add(std::move(id), kMyself | kMaster, std::move(shardId), now)) {}

Node* State::find(std::string_view id) {
  auto at = nodes_.find(id);
  return at == nodes_.end() ? nullptr : at->second.get();
}

Node* State::findLink(LinkId link) {
  for (const auto& [id, node] : nodes_) {
    if (node->link == link || node->inbound == link) return node.get();
  }
  return nullptr;
}

Node& State::add(std::string id, uint16_t flags, std::string shardId, MonoUs now) {
  auto node = std::make_unique<Node>();
  node->id = id;
  node->flags = flags;
  node->shardId = std::move(shardId);
  node->created = now;
  return *nodes_.emplace(std::move(id), std::move(node)).first->second;
}

void State::rename(Node& node, std::string id) {
  auto owned = std::move(nodes_.find(node.id)->second);
  nodes_.erase(node.id);
  node.id = id;
  nodes_.emplace(std::move(id), std::move(owned));
}

void State::remove(Node& node) {
  assert(&node != myself_);
  for (size_t slot = 0; node.slotCount != 0 && slot < kSlotCount; ++slot) {
    if (owners_[slot] == &node) assign(slot, nullptr);
  }
  std::erase_if(migrating, [&](const auto& entry) { return entry.second == &node; });
  std::erase_if(importing, [&](const auto& entry) { return entry.second == &node; });
  for (const auto& [id, other] : nodes_) {
    if (other->master == &node) other->master = nullptr;
    other->reports.erase(node.id);
  }
  nodes_.erase(nodes_.find(node.id));
}

void State::forgetAllOthers() {
  std::vector<Node*> others;
  for (const auto& [id, node] : nodes_) {
    if (node.get() != myself_) others.push_back(node.get());
  }
  for (Node* node : others) remove(*node);
}

std::vector<Node*> State::replicasOf(const Node& master) const {
  std::vector<Node*> replicas;
  for (const auto& [id, node] : nodes_) {
    if (node->master == &master) replicas.push_back(node.get());
  }
  return replicas;
}

size_t State::voters() const {
  return static_cast<size_t>(std::ranges::count_if(nodes_, [](const auto& entry) { return entry.second->votes(); }));
}

void State::makeMaster(Node& node) {
  if (node.isMaster()) return;
  node.master = nullptr;
  node.drop(kReplica);
  node.add(kMaster);
  if (&node != myself_) node.add(kMigrateTo);
}

void State::makeReplica(Node& node, Node* master) {
  for (size_t slot = 0; node.slotCount != 0 && slot < kSlotCount; ++slot) {
    if (owners_[slot] == &node) assign(slot, nullptr);
  }
  node.drop(kMaster | kMigrateTo);
  node.add(kReplica);
  Node* former = std::exchange(node.master, master);
  if (former != nullptr && former != master && replicasOf(*former).empty()) former->drop(kMigrateTo);
  if (master == nullptr) return;
  master->add(kMigrateTo);
  node.shardId = master->shardId;
}

void State::assign(size_t slot, Node* node) {
  Node*& owner = owners_[slot];
  if (owner == node) return;
  unclaimed.reset(slot);
  if (owner != nullptr) {
    owner->slots.reset(slot);
    --owner->slotCount;
  }
  owner = node;
  if (node == nullptr) return;
  node->slots.set(slot);
  // Replicas may move to it if others have some.
  if (++node->slotCount == 1 && std::ranges::any_of(nodes_, [](const auto& entry) { return entry.second->isReplica(); })) {
    node->add(kMigrateTo);
  }
}

uint64_t State::greatestEpoch() const {
  uint64_t greatest = currentEpoch;
  for (const auto& [id, node] : nodes_) greatest = std::max(greatest, node->configEpoch);
  return greatest;
}

void State::checkInvariants() const {
#ifdef VIGIL_CHECK_INVARIANTS
  auto demand = [](bool holds) {
    if (!holds) std::abort();
  };
  demand(myself_->isMyself() && find(myself_->id) == myself_);
  std::map<const Node*, size_t> counts;
  const Node* last = nullptr;
  size_t* count = nullptr;
  for (size_t slot = 0; slot < kSlotCount; ++slot) {
    if (owners_[slot] == nullptr) continue;
    if (owners_[slot] != last) count = &counts[last = owners_[slot]];
    ++*count;
    demand(last->slots.test(slot));
  }
  for (const auto& [id, node] : nodes_) {
    demand(id == node->id);
    demand(node->isMyself() == (node.get() == myself_));
    demand(!(node->isMaster() && node->isReplica()));
    demand(node->slotCount == counts[node.get()] && node->slots.count() == node->slotCount);
    demand(!node->isReplica() || node->slotCount == 0);
    demand(node->isReplica() || node->master == nullptr);
  }
  for (const auto& [slot, node] : migrating) demand(owner(slot) == myself_ && node != myself_);
#endif
}

}  // namespace vigil::cluster
