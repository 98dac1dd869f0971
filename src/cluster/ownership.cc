#include "cluster/ownership.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace vigil::cluster {

void Ownership::compare(const Node& sender, const SlotSet& slots) {
  if (sender.isMyself() || (sender.slots == slots && state_.unclaimed.empty())) return;
  sender.slots.forEach([&](uint16_t slot) {
    slots.test(slot) ? state_.unclaimed.reset(slot) : state_.unclaimed.set(slot);
  });
}

void Ownership::claimed(Node& by, uint64_t epoch, const SlotSet& slots) {
  if (by.isMyself()) return;
  Node& me = state_.myself();
  const Node* head = me.head();
  size_t lostByHead = 0;
  auto dropped = std::make_shared<SlotSet>();
  std::vector<const Node*> losers;  // in the order of their slots
  bool changed = false;
  slots.forEach([&](uint16_t slot) {
    Node* owner = state_.owner(slot);
    if (owner == &by || (owner != nullptr && owner->configEpoch >= epoch && !state_.unclaimed.test(slot))) return;
    // An import by hand goes on from whoever owns the slot now. (redis-server believes no third owner until it has ended.)
    if (const auto import = state_.importing.find(slot); import != state_.importing.end()) import->second = &by;
    if (owner == &me) {
      dropped->set(slot);
      state_.migrating.erase(slot);
    }
    if (owner != nullptr && owner == head) ++lostByHead;
    if (owner != nullptr && std::ranges::find(losers, owner) == losers.end()) losers.push_back(owner);
    state_.assign(slot, &by);
    changed = true;
  });
  if (!changed) return;
  step_.slotsChanged();
  for (const Node* loser : losers) {
    const bool replaced = loser->slotCount == 0 && loser->shardId == by.shardId;  // by a replica of its own: no resharding
    if (replaced) journal_.succeed(*loser, by, epoch);
  }
  const bool allGone = head != nullptr && head->slotCount == 0 && lostByHead != 0;
  Node& heir = allGone ? heirOf(*head, by) : by;
  if (allGone && (&heir != &by || step_.options.allowReplicaMigration || slots.count() == lostByHead)) {
    step_.notice("Configuration change detected. Reconfiguring myself as a replica of " + heir.id);
    follow(heir);
  } else if (!dropped->empty()) {
    step_.out.push_back({.kind = Effect::Kind::kDropSlots, .slots = std::move(dropped)});
  }
}

// A replica of its own may have taken over all but some slots, and these have gone elsewhere since.
Node& Ownership::heirOf(const Node& head, Node& by) {
  if (by.shardId == head.shardId && by.isMaster()) return by;
  for (const auto& [id, node] : state_.nodes()) {
    const bool serves = node->isMaster() && !node->isMyself() && !node->has(kFail) && node->slotCount != 0;
    if (serves && node.get() != &head && node->shardId == head.shardId) return *node;
  }
  return by;
}

void Ownership::correct(Node& sender, uint64_t epoch, const SlotSet& slots) {
  const Node* better = nullptr;
  slots.forEach([&](uint16_t slot) {
    const Node* owner = state_.owner(slot);
    if (better == nullptr && owner != nullptr && owner != &sender && owner->configEpoch > epoch) better = owner;
  });
  if (better == nullptr || better == &sender) return;
  step_.log(LogLevel::kVerbose, "Node " + sender.id + " has old slots configuration, sending an UPDATE message about " + better->id);
  speaker_.update(sender, *better);
}

void Ownership::resolveCollision(const Node& other) {
  Node& me = state_.myself();
  if (!other.isMaster() || !me.isMaster() || other.configEpoch != me.configEpoch || other.id <= me.id) return;
  if (!state_.held.empty()) return;  // a claim that is on its way must stay the greater one; later
  me.configEpoch = state_.currentEpoch = state_.currentEpoch + 1;
  step_.persist();
  step_.log(LogLevel::kVerbose, "configEpoch collision with node " + other.id + ". Updating my configEpoch to " +
                                    std::to_string(me.configEpoch));
}

bool Ownership::bumpEpoch() {
  Node& me = state_.myself();
  const uint64_t greatest = state_.greatestEpoch();
  if (me.configEpoch != 0 && me.configEpoch == greatest) return false;
  state_.currentEpoch = me.configEpoch = greatest + 1;
  step_.persist();
  step_.notice("New configEpoch set to " + std::to_string(me.configEpoch));
  return true;
}

void Ownership::follow(Node& master) {
  Node& me = state_.myself();
  state_.migrating.clear();
  state_.importing.clear();
  state_.makeReplica(me, &master);
  step_.slotsChanged();
  followAgain();
  speaker_.announce();  // whoever is asked for a vote, or for a hand-over, has to know whose replica this is
}

void Ownership::followAgain() {
  const Node* master = state_.myself().master;
  if (master == nullptr || master->address.empty()) return;
  step_.out.push_back({.kind = Effect::Kind::kFollow, .address = master->address, .port = master->port});
}

void Ownership::keepFollowing() {
  Node* master = state_.myself().master;
  if (master == nullptr || !master->isReplica() || master->master == nullptr) return;
  Node* next = master->master;
  if (!next->isMaster()) {
    // Replicas that follow each other in a circle would do so for ever.
    Node& heir = heirOf(*master, *next);
    if (heir.isMaster()) next = &heir;
  }
  if (next == &state_.myself()) return;
  step_.notice("My master " + master->id + " is a replica of " + next->id + " now. Following that one.");
  follow(*next);
}

}  // namespace vigil::cluster
