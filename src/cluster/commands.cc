#include "cluster/commands.h"

#include <algorithm>

#include "cluster/cluster.h"

namespace vigil::cluster {

namespace {

constexpr MonoUs kForgottenFor = 60'000'000;

// What must not come between the end of an atomic migration and its claim.
bool changesOwners(Request::Kind kind) {
  using Kind = Request::Kind;
  switch (kind) {
    case Kind::kDeleteSlots:
    case Kind::kFlushSlots:
    case Kind::kSetMigrating:
    case Kind::kSetImporting:
    case Kind::kSetStable:
    case Kind::kSetNode:
    case Kind::kReplicate:
    case Kind::kReset:
    case Kind::kBumpEpoch:
      return true;
    default:
      return false;
  }
}

std::string unknownNode(const std::string& id) { return "ERR Unknown node " + id; }

}  // namespace

Answer Commands::run(const Request& request) {
  using Kind = Request::Kind;
  Answer answer;
  if (changesOwners(request.kind)) answer.error = cluster_.migrations_.busy();
  if (!answer.error.empty()) return answer;
  switch (request.kind) {
    case Kind::kMeet:
      answer.error = meet(request);
      break;
    case Kind::kForget:
      answer.error = forget(request);
      break;
    case Kind::kAddSlots:
      answer.error = addSlots(request);
      break;
    case Kind::kDeleteSlots:
      answer.error = deleteSlots(request);
      break;
    case Kind::kFlushSlots:
      answer.error = flushSlots(request);
      break;
    case Kind::kSetMigrating:
    case Kind::kSetImporting:
    case Kind::kSetStable:
      answer.error = setMoving(request);
      break;
    case Kind::kSetNode:
      answer.error = setNode(request);
      break;
    case Kind::kReplicate:
      answer.error = replicate(request);
      break;
    case Kind::kFailover:
      answer.error = failover(request);
      break;
    case Kind::kReset:
      answer.error = reset(request);
      break;
    case Kind::kSetConfigEpoch:
      answer.error = setConfigEpoch(request);
      break;
    case Kind::kBumpEpoch:
      answer.error = bumpEpoch(answer.text);
      break;
    case Kind::kSaveConfig:
      cluster_.step_.persist();
      break;
    case Kind::kMigrateSlots:
      answer.error = cluster_.migrations_.begin(request.plans);
      break;
    case Kind::kCancelMigrations:
      answer.error = cluster_.migrations_.cancel();
      break;
    case Kind::kReceiveSlots:
      answer.error = cluster_.migrations_.receive(request.job, request.node, request.set, request.withKeys);
      break;
    case Kind::kClaimSlots:
      answer.error = cluster_.migrations_.claim(request.job, static_cast<uint64_t>(request.number));
      break;
    case Kind::kAskOutcome:
      answer.error = cluster_.migrations_.outcome(request.job, static_cast<uint64_t>(request.number), request.set);
      break;
  }
  return answer;
}

std::string Commands::meet(const Request& request) {
  cluster_.links_.meet(request.address, request.port, request.busPort);
  cluster_.step_.save = true;
  return {};
}

std::string Commands::forget(const Request& request) {
  State& state = cluster_.state_;
  Node* node = state.find(request.node);
  if (node == nullptr) {
    // Another node may have told us already, by an extension.
    return cluster_.links_.banned(request.node) ? std::string() : unknownNode(request.node);
  }
  if (node->isMyself()) return "ERR I tried hard but I can't forget myself...";
  if (node == state.myself().master) return "ERR Can't forget my master!";
  cluster_.links_.ban(node->id, kForgottenFor);
  cluster_.speaker_.forget(*node, kForgottenFor / 1'000'000);
  cluster_.forget(*node);
  return {};
}

std::string Commands::addSlots(const Request& request) {
  State& state = cluster_.state_;
  SlotSet seen;
  for (uint16_t slot : request.slots) {
    if (state.owner(slot) != nullptr) return "ERR Slot " + std::to_string(slot) + " is already busy";
    if (seen.test(slot)) return "ERR Slot " + std::to_string(slot) + " specified multiple times";
    seen.set(slot);
  }
  for (uint16_t slot : request.slots) {
    state.importing.erase(slot);
    state.assign(slot, &state.myself());
  }
  cluster_.step_.slotsChanged();
  return {};
}

std::string Commands::deleteSlots(const Request& request) {
  State& state = cluster_.state_;
  SlotSet seen;
  for (uint16_t slot : request.slots) {
    if (state.owner(slot) == nullptr) return "ERR Slot " + std::to_string(slot) + " is already unassigned";
    if (seen.test(slot)) return "ERR Slot " + std::to_string(slot) + " specified multiple times";
    seen.set(slot);
  }
  for (uint16_t slot : request.slots) {
    state.migrating.erase(slot);
    state.assign(slot, nullptr);
  }
  cluster_.step_.slotsChanged();
  return {};
}

std::string Commands::flushSlots(const Request& request) {
  if (request.keysHeld != 0) return "ERR DB must be empty to perform CLUSTER FLUSHSLOTS.";
  State& state = cluster_.state_;
  SlotSet(state.myself().slots).forEach([&](uint16_t slot) {
    state.migrating.erase(slot);
    state.assign(slot, nullptr);
  });
  cluster_.step_.slotsChanged();
  return {};
}

std::string Commands::setMoving(const Request& request) {
  State& state = cluster_.state_;
  const uint16_t slot = request.slot;
  const bool migrating = request.kind == Request::Kind::kSetMigrating;
  if (!state.myself().isMaster()) return "ERR Please use SETSLOT only with masters.";
  if (request.kind == Request::Kind::kSetStable) {
    state.migrating.erase(slot);
    state.importing.erase(slot);
    cluster_.step_.slotsChanged();
    return {};
  }
  const bool mine = state.owner(slot) == &state.myself();
  if (migrating && !mine) return "ERR I'm not the owner of hash slot " + std::to_string(slot);
  if (!migrating && mine) return "ERR I'm already the owner of hash slot " + std::to_string(slot);
  Node* other = state.find(request.node);
  if (other == nullptr) return "ERR I don't know about node " + request.node;
  if (!other->isMaster()) return "ERR Target node is not a master";
  if (other->isMyself()) return "ERR The other end of a slot's way must be another node";
  if (cluster_.migrations_.concerns(slot)) {
    return "ERR Slot " + std::to_string(slot) + " is part of an atomic migration, see CLUSTER GETSLOTMIGRATIONS";
  }
  (migrating ? state.migrating : state.importing)[slot] = other;
  cluster_.step_.slotsChanged();
  return {};
}

std::string Commands::setNode(const Request& request) {
  State& state = cluster_.state_;
  Node& me = state.myself();
  const uint16_t slot = request.slot;
  if (!me.isMaster()) return "ERR Please use SETSLOT only with masters.";
  Node* target = state.find(request.node);
  if (target == nullptr) return unknownNode(request.node);
  if (!target->isMaster()) return "ERR Target node is not a master";
  const bool wasMine = state.owner(slot) == &me;
  if (wasMine && target != &me && request.keysHeld != 0) {
    return "ERR Can't assign hashslot " + std::to_string(slot) +
           " to a different node while I still hold keys for this hash slot.";
  }
  if (target != &me) state.migrating.erase(slot);
  state.assign(slot, target);
  const bool imported = target == &me && state.importing.erase(slot) != 0;
  // A new epoch without asking: the move must win over what the old owner last claimed.
  if (imported && cluster_.ownership_.bumpEpoch()) {
    cluster_.step_.warning("configEpoch updated after importing slot " + std::to_string(slot));
  }
  cluster_.step_.slotsChanged();
  if (imported) cluster_.speaker_.announce();
  if (wasMine && target != &me && me.slotCount == 0 && cluster_.step_.options.allowReplicaMigration) {
    cluster_.step_.notice("Configuration change detected. Reconfiguring myself as a replica of " + target->id);
    cluster_.ownership_.follow(*target);
  }
  return {};
}

std::string Commands::replicate(const Request& request) {
  State& state = cluster_.state_;
  Node* master = state.find(request.node);
  if (master == nullptr) return unknownNode(request.node);
  if (master->isMyself()) return "ERR Can't replicate myself";
  if (!master->isMaster()) return "ERR I can only replicate a master, not a replica.";
  const Node& me = state.myself();
  if (me.isMaster() && (me.slotCount != 0 || request.keysHeld != 0)) {
    return "ERR To set a master the node must be empty and without assigned slots.";
  }
  cluster_.election_.stop();
  cluster_.manual_.stop();
  cluster_.ownership_.follow(*master);
  cluster_.step_.persist();
  return {};
}

std::string Commands::failover(const Request& request) {
  const Node& me = cluster_.state_.myself();
  if (!me.isReplica()) return "ERR You should send CLUSTER FAILOVER to a replica";
  if (me.master == nullptr) return "ERR I'm a replica but my master is unknown to me";
  if (request.mode == Request::Mode::kDefault && (me.master->has(kFail) || !me.master->connected)) {
    return "ERR Master is down or failed, please use CLUSTER FAILOVER FORCE";
  }
  bool inDoubt = false;
  cluster_.state_.handedOff.forEach([&](uint16_t slot) { inDoubt = inDoubt || cluster_.state_.owner(slot) == me.master; });
  if (request.mode == Request::Mode::kDefault && inDoubt) {
    // The master would keep these slots, and so go on beside its successor.
    return "ERR Slots are being handed over to another node at this moment, see CLUSTER GETSLOTMIGRATIONS. Try again";
  }
  if (request.mode == Request::Mode::kTakeover) {
    cluster_.step_.notice("Taking over the master (user request).");
    cluster_.manual_.stop();
    cluster_.election_.takeOver();
  } else {
    cluster_.election_.hurry();
    cluster_.manual_.begin(request.mode == Request::Mode::kForce);
  }
  return {};
}

std::string Commands::reset(const Request& request) {
  State& state = cluster_.state_;
  Node& me = state.myself();
  if (me.isMaster() && request.keysHeld != 0) {
    return "ERR CLUSTER RESET can't be called with master nodes containing keys";
  }
  const bool wasReplica = me.isReplica();
  cluster_.manual_.stop();
  cluster_.election_.stop();
  state.makeMaster(me);
  state.migrating.clear();
  state.importing.clear();
  for (size_t slot = 0; slot < kSlotCount; ++slot) state.assign(slot, nullptr);
  std::vector<Node*> others;
  for (const auto& [id, node] : state.nodes()) {
    if (!node->isMyself()) others.push_back(node.get());
  }
  for (Node* node : others) cluster_.forget(*node);
  if (request.hard) {
    state.currentEpoch = state.lastVoteEpoch = me.configEpoch = 0;
    state.rename(me, cluster_.step_.dice.nodeId());
    cluster_.step_.notice("Node hard reset, now I'm " + me.id);
  }
  cluster_.step_.persist();
  cluster_.step_.slotsChanged();
  if (wasReplica) {
    cluster_.step_.out.push_back({.kind = Effect::Kind::kPromote});
    cluster_.step_.out.push_back({.kind = Effect::Kind::kFlushAll});
  }
  return {};
}

std::string Commands::setConfigEpoch(const Request& request) {
  State& state = cluster_.state_;
  if (request.number < 0) return "ERR Invalid config epoch specified: " + std::to_string(request.number);
  if (state.nodes().size() > 1) {
    return "ERR The user can assign a config epoch only when the node does not know any other node.";
  }
  if (state.myself().configEpoch != 0) return "ERR Node config epoch is already non-zero";
  state.myself().configEpoch = static_cast<uint64_t>(request.number);
  state.currentEpoch = std::max(state.currentEpoch, state.myself().configEpoch);
  cluster_.step_.persist();
  return {};
}

std::string Commands::bumpEpoch(std::string& text) {
  const bool bumped = cluster_.ownership_.bumpEpoch();
  text = (bumped ? "BUMPED " : "STILL ") + std::to_string(cluster_.state_.myself().configEpoch);
  return {};
}

Answer Cluster::command(const Moment& now, const Surroundings& around, const Options& options, const Request& request) {
  begin(now, around, options);
  Answer answer = Commands(*this).run(request);
  if (answer.error.empty()) proceed();
  if (step_.save) step_.persist();  // whoever is told that it is done may rely on it
  answer.effects = end();
  return answer;
}

}  // namespace vigil::cluster
