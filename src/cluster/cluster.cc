#include "cluster/cluster.h"

#include <algorithm>
#include <utility>

namespace vigil::cluster {

namespace {

constexpr MonoUs kRolePatience = 4'000'000;  // a bit less than the replica's
constexpr MonoUs kRoleRetry = 5'000;

// The classes of this folder talk about nodes by these, also before the first step.
Step prepared(uint64_t seed, const Moment& now) {
  Step step(seed);
  step.now = now;
  return step;
}

}  // namespace

Cluster::Cluster(uint64_t seed, const Moment& now)
    : step_(prepared(seed, now)), state_(step_.dice.nodeId(), step_.dice.nodeId(), now.mono) {}

// --- A step ---

void Cluster::begin(const Moment& now, const Surroundings& around, const Options& options) {
  step_.now = now;
  step_.around = around;
  step_.judge = step_.judge || options.requireFullCoverage != step_.options.requireFullCoverage;
  step_.options = options;
  step_.out.clear();
  step_.wakeAt = 0;
  describeMyself();
}

// What CLUSTER NODES shows of this node itself. An address that is announced no more is learned anew.
void Cluster::describeMyself() {
  Node& me = state_.myself();
  const Options& options = step_.options;
  const bool announced = std::exchange(announcesAddress_, !options.address.empty());
  const std::string address = announcesAddress_ ? options.address : announced ? "" : me.address;
  const bool same = me.address == address && me.port == options.port && me.busPort == options.busPort &&
                    me.hostName == options.hostName && me.humanName == options.humanName &&
                    me.has(kNoFailover) == options.replicaNoFailover;
  if (same) return;
  me.address = address;
  me.port = options.port;
  me.plainPort = options.plainPort;
  me.busPort = options.busPort;
  me.hostName = options.hostName;
  me.humanName = options.humanName;
  me.drop(kNoFailover);
  if (options.replicaNoFailover) me.add(kNoFailover);
  step_.save = step_.route = true;
}

Effects Cluster::end() {
  if (std::exchange(step_.judge, false)) health_.judge();
  // Persist, then send, then do: what the rest of the step says may rest on it.
  if (std::exchange(step_.save, false)) {
    const bool durable = std::exchange(step_.durable, false);
    step_.out.insert(step_.out.begin(), Effect{.kind = Effect::Kind::kPersist, .durable = durable});
  }
  if (std::exchange(step_.route, false)) step_.out.push_back({.kind = Effect::Kind::kRoute});
  if (std::exchange(step_.resume, false)) step_.out.push_back({.kind = Effect::Kind::kResumeWrites});
  state_.checkInvariants();
  return std::exchange(step_.out, {});
}

Effects Cluster::step(const Moment& now, const Surroundings& around, const Options& options, const Event& event) {
  begin(now, around, options);
  switch (event.kind) {
    case Event::Kind::kTick:
      tick();
      break;
    case Event::Kind::kConnected:
      links_.connected(event.link);
      break;
    case Event::Kind::kClosed:
      links_.closed(event.link, event.refused);
      break;
    case Event::Kind::kPacket:
      onPacket(event);
      break;
    case Event::Kind::kWritesPaused:
      manual_.writesPaused();
      break;
    case Event::Kind::kMigration:
      migrations_.heard(event.migration);
      break;
    case Event::Kind::kPublish:
      speaker_.publish(event.message.channel, event.message.payload, event.message.type == BusType::kPublishShard);
      break;
  }
  proceed();
  return end();
}

void Cluster::tick() {
  const MonoUs pause = lastTick_ == 0 ? 0 : step_.now.mono - lastTick_;
  if (pause > step_.options.nodeTimeout) health_.woke(pause);
  lastTick_ = step_.now.mono;
  links_.tick();
  failures_.tick();
  manual_.tick();
  migration_.tick();
  migrations_.tick();
  ownership_.keepFollowing();
  step_.judge = step_.judge || !state_.up;
}

// A replica's failover goes on with whatever came, not only when the clock ticks.
void Cluster::proceed() {
  if (state_.myself().isReplica()) election_.proceed(manual_.ready());
  manual_.followRole();
  letGo();
  migrations_.follow();
}

// A replica that is to take over waits until slots are not half given away, for they would stay with this node; and slots
// are not given away, or taken, while it takes over.
void Cluster::letGo() {
  if (!wantsRole_.empty() && step_.now.mono - wantsRoleAt_ > kRolePatience) wantsRole_.clear();
  if (!wantsRole_.empty()) {
    if (!migrations_.busy().empty()) {
      step_.wake(step_.now.mono + kRoleRetry);
    } else if (Node* replica = state_.find(std::exchange(wantsRole_, {}))) {
      manual_.asked(*replica);
    }
  }
  migrations_.setBetweenRoles(manual_.givesAway());
}

// --- Packets ---

void Cluster::onPacket(const Event& event) {
  const BusMessage& message = event.message;
  ++received_[static_cast<size_t>(message.type)];
  Node* sender = senderOf(event);
  if (sender != nullptr) noteSender(*sender, message);
  if (message.isPing()) return onPing(event, sender);
  if (sender == nullptr) return;  // a stranger has nothing to say
  switch (message.type) {
    case BusType::kFail:
      return failures_.announced(*sender, message.node);
    case BusType::kVoteRequest:
      updateRole(*sender, message);  // its last ping may be older than its role
      return election_.asked(*sender, message);
    case BusType::kVote:
      election_.voted(*sender, message.currentEpoch);
      break;
    case BusType::kUpdate:
      return onUpdate(message);
    case BusType::kManualFailover:
      updateRole(*sender, message);
      wantsRole_ = sender->id;
      wantsRoleAt_ = step_.now.mono;
      return;
    case BusType::kPublish:
    case BusType::kPublishShard:
      return onMessage(message);
    default:
      break;
  }
}

Node* Cluster::senderOf(const Event& event) {
  Node* node = state_.find(event.message.sender);
  return node == nullptr || node->has(kMyself | kHandshake) ? nullptr : node;
}

void Cluster::noteSender(Node& sender, const BusMessage& message) {
  sender.heard = step_.now.mono;
  sender.capabilities = message.capabilities;
  state_.currentEpoch = std::max(state_.currentEpoch, message.currentEpoch);
  if (sender.isMaster() && message.configEpoch > sender.configEpoch) {
    sender.configEpoch = message.configEpoch;
    step_.save = true;
  }
  journal_.heard(sender, message);
  sender.offset = message.offset;
  sender.offsetAt = step_.now.mono;
  if (&sender == state_.myself().master && (message.messageFlags & kBusPaused) != 0) manual_.masterPaused(message.offset);
}

void Cluster::onMessage(const BusMessage& message) {
  step_.out.push_back({.kind = Effect::Kind::kDeliver,
                       .text = message.payload,
                       .shard = message.type == BusType::kPublishShard,
                       .address = message.channel});
}

void Cluster::onUpdate(const BusMessage& message) {
  Node* owner = state_.find(message.node);
  if (owner == nullptr || owner->isMyself() || owner->configEpoch >= message.nodeEpoch) return;
  if (owner->isReplica()) state_.makeMaster(*owner);
  owner->configEpoch = message.nodeEpoch;
  step_.slotsChanged();
  ownership_.claimed(*owner, message.nodeEpoch, message.nodeSlots);
}

// --- PING, PONG, MEET ---

void Cluster::onPing(const Event& event, Node* sender) {
  const BusMessage& message = event.message;
  if (message.type == BusType::kMeet || state_.myself().address.empty()) learnOwnAddress(event);
  if (message.type == BusType::kMeet && sender == nullptr && message.sender != state_.myself().id) {
    const std::string address = message.address.empty() ? event.peerAddress : message.address;
    links_.meet(address, message.port, message.busPort, 0);
    step_.save = true;
  }
  if (message.type != BusType::kPong && !step_.around.busy) speaker_.pong(event.link, sender);
  Node* linked = (event.link & kInbound) == 0 ? state_.findLink(event.link) : nullptr;
  if (linked != nullptr && linked->link != event.link) linked = nullptr;
  if (linked != nullptr && linked->inHandshake()) {
    if (!completeHandshake(*linked, sender, event)) return;
    sender = linked;
    noteSender(*sender, message);
  } else if (linked != nullptr && linked->id != message.sender) {
    step_.log(LogLevel::kDebug, "PONG contains mismatching sender ID. About node " + linked->id);
    linked->add(kNoAddress);
    linked->address.clear();
    linked->port = linked->busPort = 0;
    links_.close(*linked);
    step_.save = true;
    return;
  }
  if (sender == nullptr) return;
  if ((event.link & kInbound) != 0) sender->inbound = event.link;
  if ((message.flags & kNoFailover) != 0) {
    sender->add(kNoFailover);
  } else {
    sender->drop(kNoFailover);
  }
  if (message.type == BusType::kPing) updateAddress(*sender, event);
  if (linked != nullptr && message.type == BusType::kPong) failures_.answered(*sender);
  updateRole(*sender, message);
  updateSlots(*sender, message);
  onGossip(*sender, message);
  onExtensions(*sender, message);
}

void Cluster::learnOwnAddress(const Event& event) {
  if (event.localAddress.empty() || event.localAddress == state_.myself().address) return;
  if (!step_.options.address.empty()) return;
  state_.myself().address = event.localAddress;
  step_.warning("IP address for this node updated to " + event.localAddress);
  step_.save = step_.route = true;
}

// The first answer tells who it is. False if we know that node already: then only its address was new.
bool Cluster::completeHandshake(Node& node, Node* sender, const Event& event) {
  const BusMessage& message = event.message;
  if (sender != nullptr || message.sender == state_.myself().id) {
    step_.log(LogLevel::kVerbose, "Handshake: we already know node " + message.sender + ", updating the address if needed.");
    if (sender != nullptr) updateAddress(*sender, event);
    links_.remove(node);
    return false;
  }
  state_.rename(node, message.sender);
  step_.log(LogLevel::kDebug, "Handshake with node " + node.id + " completed.");
  node.drop(kHandshake | kMeet);
  node.add(message.masterId.empty() ? kMaster : kReplica);
  if (node.shardId.empty()) node.shardId = step_.dice.nodeId();
  step_.save = true;
  return true;
}

void Cluster::updateAddress(Node& sender, const Event& event) {
  const BusMessage& message = event.message;
  if (event.link == sender.link) return;  // we got there by the address that we know
  const std::string& address = message.address.empty() ? event.peerAddress : message.address;
  if (address.empty() || (sender.address == address && sender.port == message.port &&
                          sender.plainPort == message.plainPort && sender.busPort == message.busPort)) {
    return;
  }
  sender.address = address;
  sender.port = message.port;
  sender.plainPort = message.plainPort;
  sender.busPort = message.busPort;
  sender.drop(kNoAddress);
  links_.close(sender);
  step_.warning("Address updated for node " + sender.id + ", now " + address + ":" + std::to_string(sender.port));
  step_.save = step_.route = true;
  followNewAddress(sender);
}

void Cluster::followNewAddress(const Node& node) {
  if (state_.myself().master == &node) ownership_.followAgain();
}

void Cluster::updateRole(Node& sender, const BusMessage& message) {
  if (message.masterId.empty()) {
    if (sender.isMaster()) return;
    state_.makeMaster(sender);
    sender.configEpoch = std::max(sender.configEpoch, message.configEpoch);
  } else {
    Node* master = state_.find(message.masterId);
    if (sender.isReplica() && sender.master == master) return;
    if (sender.isMaster() && message.currentEpoch < sender.configEpoch) return;  // said before it won that epoch
    // By a greater epoch; else this was said before its own promotion and has only now been heard.
    const uint64_t epoch = master == nullptr ? 0 : std::max(master->configEpoch, message.configEpoch);
    const bool replaced = sender.votes() && epoch > sender.configEpoch && master->shardId == sender.shardId;
    if (replaced) journal_.succeed(sender, *master, epoch);
    state_.makeReplica(sender, master);
    sender.configEpoch = 0;
  }
  step_.slotsChanged();
}

void Cluster::updateSlots(Node& sender, const BusMessage& message) {
  Node* head = sender.head();
  if (sender.isMaster()) ownership_.compare(sender, message.slots);
  if (head == nullptr || head->slots == message.slots) {
    if (sender.isMaster()) ownership_.resolveCollision(sender);
    return;
  }
  if (sender.isMaster()) ownership_.claimed(sender, message.configEpoch, message.slots);
  ownership_.correct(sender, message.configEpoch, message.slots);
  if (sender.isMaster()) ownership_.resolveCollision(sender);
}

// --- Gossip ---

void Cluster::onGossip(Node& sender, const BusMessage& message) {
  for (const BusGossip& about : message.gossip) hearOf(sender, about);
}

void Cluster::hearOf(Node& sender, const BusGossip& about) {
  Node* node = state_.find(about.id);
  const bool failing = (about.flags & (kPfail | kFail)) != 0;
  if (node == nullptr) {
    if ((about.flags & kNoAddress) != 0 || about.address.empty() || links_.banned(about.id)) return;
    const uint16_t role = about.flags & (kMaster | kReplica);
    Node& added = state_.add(about.id, role == (kMaster | kReplica) || role == 0 ? uint16_t{kMaster} : role,
                             step_.dice.nodeId(), step_.now.mono);
    added.address = about.address;
    added.port = about.port;
    added.plainPort = about.plainPort;
    added.busPort = about.busPort;
    step_.save = true;
    return;
  }
  if (node->isMyself() || node == &sender) return;
  failures_.reported(*node, sender, failing);
  if (!failing && !node->failing() && node->pingSent == 0 && failures_.reportCount(*node) == 0) {
    // Others' pongs spare us pings. Not more than half a second in the future, whatever their clocks say.
    const int64_t age = step_.now.wall - int64_t{about.pongReceived} * 1000;
    const MonoUs at = step_.now.mono - age * 1000;
    if (age >= -500 && at > node->pongReceived) node->pongReceived = std::min(at, step_.now.mono);
  }
  if (failing || (about.flags & kNoAddress) != 0 || about.address.empty()) return;
  const bool moved = node->address != about.address || node->port != about.port || node->busPort != about.busPort;
  if (!moved || (!node->failing() && !node->has(kNoAddress))) return;
  links_.close(*node);
  node->address = about.address;
  node->port = about.port;
  node->plainPort = about.plainPort;
  node->busPort = about.busPort;
  node->drop(kNoAddress);
  step_.save = step_.route = true;
  followNewAddress(*node);
}

void Cluster::onExtensions(Node& sender, const BusMessage& message) {
  const BusExtensions& extensions = message.extensions;
  const std::string hostName = extensions.hostName.value_or("");
  if (hostName != sender.hostName && validHostName(hostName)) {
    sender.hostName = hostName;
    step_.save = step_.route = true;
  }
  if (extensions.humanName && extensions.humanName->size() <= 128) sender.humanName = *extensions.humanName;
  if (extensions.shardId && *extensions.shardId != sender.shardId && sender.isMaster()) {
    sender.shardId = *extensions.shardId;
    for (Node* replica : state_.replicasOf(sender)) replica->shardId = sender.shardId;
    step_.save = true;
  }
  for (const ForgottenNode& forgotten : extensions.forgotten) {
    Node* node = state_.find(forgotten.id);
    if (node == nullptr || node->isMyself() || node == state_.myself().master || node == &sender) continue;
    links_.ban(forgotten.id, static_cast<MonoUs>(std::min<uint64_t>(forgotten.seconds, 3600)) * 1'000'000);
    forget(*node);
  }
}

void Cluster::forget(Node& node) {
  journal_.giveUp(node, "this node has forgotten it");
  links_.remove(node);
}

// --- Memory ---

Status Cluster::restore(const Moment& now, const wire::NodesConf& conf) {
  step_.now = now;
  return restoreState(state_, conf, now, step_.dice);
}

Effects Cluster::claimLoaded(const Moment& now, const Surroundings& around, const Options& options,
                             const SlotSet& loaded) {
  begin(now, around, options);
  Node& me = state_.myself();
  loaded.forEach([&](uint16_t slot) {
    Node* owner = state_.owner(slot);
    if (owner == &me || !me.isMaster() || state_.importing.contains(slot)) return;
    if (owner == nullptr) {
      step_.warning("I have keys for unassigned slot " + std::to_string(slot) + ". Taking responsibility for it.");
      state_.assign(slot, &me);
    } else {
      step_.warning("I have keys for slot " + std::to_string(slot) +
                    ", but the slot is assigned to another node. Setting it to importing state.");
      state_.importing[slot] = owner;
    }
    step_.slotsChanged();
  });
  step_.route = step_.judge = true;
  migrations_.recovered();
  return end();
}

void Cluster::noted(const Moment& now, const MigrationRecord& record) {
  step_.now = now;
  migrations_.noted(record);
}

}  // namespace vigil::cluster
