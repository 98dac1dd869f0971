// A cluster of three or four masters, each with one or two replicas, and clients that write to it. Nodes die, lose
// power, pause and come back with what their disk holds; some are cut off, in one direction or both; failovers are
// asked for by hand in the middle of it. What nodes say on the bus is watched for what must never be said. Then
// everything heals: all nodes must come to one view that covers all slots, every replica hold what its master holds,
// and clients be served.
//
// In the second scenario nothing fails, and roles are changed by hand only: then nothing acknowledged may be missing.
#include "sim/scenario_cluster.h"

#include <algorithm>
#include <set>

#include "drivers/cluster/cluster_driver.h"
#include "sim/bus_witness.h"
#include "sim/cluster_writers.h"
#include "sim/questions.h"

namespace vigil::sim {

namespace {

constexpr SimTime kConvergeAtMost = 120 * kSecond;
constexpr SimTime kFormAtMost = 60 * kSecond;
constexpr size_t kWriters = 6;

// Something that is typed at a node, and whose answer comes while other things go on.
class Order final : public Workload {
 public:
  Order(SimWorld& world, SimNetwork& network, int number, Endpoint node, Words words)
      : words_(std::move(words)), client_(world, network, number, *this) {
    client_.target = [node = std::move(node)] { return node; };
    client_.start();
  }
  std::vector<Request> next(int, const std::vector<Request>&) override {
    if (words_.empty()) return {};
    Request request;
    request.operation.commands = {std::exchange(words_, {})};
    client_.stop();
    return {request};
  }
  void finished(const Request&) override {}

 private:
  Words words_;
  SimClient client_;
};

class ClusterRun {
 public:
  ClusterRun(SimWorld& world, Outcome& outcome)
      : world_(world),
        random_(world.random()),
        outcome_(outcome),
        network_(world),
        witness_([this](std::string what) { fail(std::move(what)); },
                 [this](const std::string& host) { return confOf(host); }) {
    network_.onWrite = [this](const SimLink& link, size_t side, std::string_view bytes) {
      witness_.wrote(link, side, bytes);
    };
  }

  bool form();
  void trouble();
  void changeRolesByHand();
  void settle();
  void checkLists(bool nothingMayBeMissing);
  void finish() { outcome_.answered += writers_ ? writers_->acknowledged() : 0; }

 private:
  template <typename Look>
  static auto look(SimNode& node, Look what) {
    return node.node().cluster()->look(
        [&](const cluster::Cluster& core, cluster::Moment) { return what(core.state()); });
  }
  void fail(std::string why) {
    if (!outcome_.failure) outcome_.failure = std::move(why);
  }
  std::string confOf(const std::string& host) {
    const auto at = std::ranges::find(nodes_, host, [](const auto& node) { return node->host(); });
    return at == nodes_.end() ? std::string() : (*at)->disk().content("nodes.conf");
  }
  void addNode(size_t number);
  bool command(size_t number, Words words);
  bool shareSlots();
  bool meet();
  bool followMasters();
  void strike();
  void crash(SimNode& node);
  void cutOff(SimNode& node);
  void failoverByHand(size_t number, bool force);
  std::vector<size_t> replicas();
  bool anyIsMaster(const std::vector<size_t>& numbers);
  void startAll();
  bool oneView();
  bool replicasHoldAll();
  std::string positions();
  std::vector<int64_t> listOn(SimNode& node, const std::string& key);
  SimNode* ownerOf(const std::string& key);
  void compareReplicas();

  SimWorld& world_;
  SimRandom& random_;
  Outcome& outcome_;
  SimNetwork network_;
  BusWitness witness_;
  size_t masters_ = 3;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::vector<std::string> ids_;
  std::unique_ptr<ClusterWriters> writers_;
  std::vector<std::unique_ptr<Order>> orders_;
};

// --- Beginning -------------------------------------------------------------------------------------------------

void ClusterRun::addNode(size_t number) {
  const std::string digits = std::to_string(10 + number);
  nodes_.push_back(std::make_unique<SimNode>(world_, network_, "node" + std::to_string(number), "10.0.0." + digits,
                                             1 + random_.below(2)));
  nodes_.back()->configuration = {{"save", ""},
                                  {"cluster-enabled", "yes"},
                                  {"cluster-node-timeout", random_.chance(0.5) ? "1000" : "2000"},
                                  {"cluster-refused-timeout", random_.chance(0.3) ? "300" : "0"},
                                  {"cluster-replica-validity-factor", "0"},
                                  {"repl-diskless-sync-delay", "0"},
                                  {"repl-timeout", "4"},
                                  {"repl-ping-replica-period", "1"},
                                  {"appendonly", "yes"},
                                  {"appendfsync", random_.chance(0.3) ? "always" : "everysec"}};
}

bool ClusterRun::command(size_t number, Words words) {
  const auto answer = ask(world_, network_, nodes_[number]->address(), {words});
  if (answer && answer->front() == "+OK") return true;
  fail(brief(words) + ": " + (answer ? answer->front() : "no answer"));
  return false;
}

bool ClusterRun::shareSlots() {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!command(i, {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)})) return false;
    if (i >= masters_) continue;
    const size_t first = kSlotCount * i / masters_, last = kSlotCount * (i + 1) / masters_ - 1;
    if (!command(i, {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)})) return false;
  }
  return true;
}

bool ClusterRun::meet() {
  for (size_t i = 1; i < nodes_.size(); ++i) {
    if (!command(i, {"CLUSTER", "MEET", nodes_[0]->host(), std::to_string(SimNode::kPort)})) return false;
  }
  const bool met = world_.runUntil(
      [this] {
        return std::ranges::all_of(nodes_, [this](const auto& node) {
          return look(*node, [this](const cluster::State& state) {
            return state.nodes().size() == nodes_.size() &&
                   std::ranges::none_of(state.nodes(), [](const auto& entry) { return entry.second->inHandshake(); });
          });
        });
      },
      kFormAtMost);
  if (!met) fail("the nodes did not get to know each other");
  return met;
}

bool ClusterRun::followMasters() {
  for (const auto& node : nodes_) {
    ids_.push_back(look(*node, [](const cluster::State& state) { return state.myself().id; }));
  }
  for (size_t i = masters_; i < nodes_.size(); ++i) {
    if (!command(i, {"CLUSTER", "REPLICATE", ids_[i % masters_]})) return false;
  }
  if (world_.runUntil([this] { return oneView() && replicasHoldAll(); }, kFormAtMost)) return true;
  fail("the cluster did not form: " + positions());
  return false;
}

bool ClusterRun::form() {
  masters_ = 3 + random_.below(2);
  const size_t count = masters_ * 2 + random_.below(3);
  for (size_t i = 0; i < count; ++i) addNode(i);
  for (auto& node : nodes_) {
    if (node->startAndLoad()) continue;
    fail(node->name() + " did not start: " + node->startError());
    return false;
  }
  if (!shareSlots() || !meet() || !followMasters()) return false;
  std::vector<Endpoint> addresses;
  for (const auto& node : nodes_) addresses.push_back(node->address());
  writers_ = std::make_unique<ClusterWriters>(world_, network_, kWriters, std::move(addresses));
  writers_->start();
  return true;
}

// --- Trouble ---------------------------------------------------------------------------------------------------

void ClusterRun::crash(SimNode& node) {
  if (!node.running()) return;
  node.kill(random_.chance(0.5) ? Death::kPowerLoss : Death::kKill);
  world_.after(random_.skewed(50 * kMs, 8 * kSecond), [&node] {
    if (!node.running()) (void)node.start();
  });
}

// From all others or from some, in one direction or both, for a while.
void ClusterRun::cutOff(SimNode& node) {
  const bool from = random_.chance(0.7);
  const bool to = !from || random_.chance(0.6);
  std::vector<std::string> others;
  for (const auto& other : nodes_) {
    if (other.get() != &node && random_.chance(0.8)) others.push_back(other->host());
  }
  world_.trace("network", "cuts off " + node.name() +
                              (from && to ? ""
                               : from     ? ", whom nobody hears"
                                          : ", who hears nobody"));
  for (const std::string& other : others) {
    if (from) network_.block(node.host(), other);
    if (to) network_.block(other, node.host());
  }
  world_.after(random_.between(500 * kMs, 8 * kSecond), [this, &node, others] {
    for (const std::string& other : others) {
      network_.unblock(node.host(), other);
      network_.unblock(other, node.host());
    }
  });
}

// In their own eyes.
std::vector<size_t> ClusterRun::replicas() {
  std::vector<size_t> found;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]->ready() &&
        look(*nodes_[i], [](const cluster::State& state) { return state.myself().isReplica(); })) {
      found.push_back(i);
    }
  }
  return found;
}

void ClusterRun::failoverByHand(size_t number, bool force) {
  Words words = {"CLUSTER", "FAILOVER"};
  if (force) words.push_back("FORCE");
  const int client = 100 + static_cast<int>(orders_.size());
  orders_.push_back(std::make_unique<Order>(world_, network_, client, nodes_[number]->address(), std::move(words)));
}

void ClusterRun::strike() {
  SimNode& node = *nodes_[random_.below(nodes_.size())];
  switch (random_.below(6)) {
    case 0:
    case 1:
      return crash(node);
    case 2:
      return node.pause(random_.skewed(100 * kMs, 8 * kSecond));
    case 3:
    case 4:
      return cutOff(node);
    default:
      for (size_t number : replicas()) {
        if (random_.chance(0.4)) failoverByHand(number, random_.chance(0.3));
      }
  }
}

void ClusterRun::trouble() {
  network_.faults = drawNetworkFaults(random_);
  const SimTime until = world_.now() + random_.between(8, 30) * kSecond;
  while (world_.now() < until && !outcome_.failure) {
    world_.runFor(random_.skewed(100 * kMs, 5 * kSecond));
    strike();
  }
}

bool ClusterRun::anyIsMaster(const std::vector<size_t>& numbers) {
  return std::ranges::any_of(numbers, [this](size_t number) {
    return look(*nodes_[number], [](const cluster::State& state) { return state.myself().isMaster(); });
  });
}

// One or two at the same time, of which one must succeed: an epoch has one vote of each master.
void ClusterRun::changeRolesByHand() {
  for (uint64_t round = 0, rounds = 2 + random_.below(4); round < rounds && !outcome_.failure; ++round) {
    world_.runFor(random_.between(6 * kSecond, 9 * kSecond));
    std::vector<size_t> chosen = replicas();
    while (chosen.size() > 1 + random_.below(2)) {
      chosen.erase(chosen.begin() + static_cast<ptrdiff_t>(random_.below(chosen.size())));
    }
    for (size_t number : chosen) failoverByHand(number, false);
    if (!world_.runUntil([&] { return anyIsMaster(chosen); }, 10 * kSecond)) {
      return fail(nodes_[chosen.front()]->name() + " did not take over although nothing was wrong: " + positions());
    }
  }
}

// --- The end ---------------------------------------------------------------------------------------------------

void ClusterRun::startAll() {
  for (auto& node : nodes_) {
    for (int attempt = 0; attempt < 2 && !node->ready(); ++attempt) {
      if (node->running()) world_.runUntil([&] { return !node->running() || node->ready(); }, 30 * kSecond);
      if (!node->running()) (void)node->startAndLoad();
    }
    if (!node->ready()) return fail(node->name() + " did not start again: " + node->startError());
  }
}

// All are up, and agree on who owns each slot and who follows whom.
bool ClusterRun::oneView() {
  auto view = [](const cluster::State& state) -> std::string {
    if (!state.up) return {};
    std::string text;
    for (const auto& [id, node] : state.nodes()) {
      if (node->failing()) return {};
      text += id + " " + (node->master != nullptr ? node->master->id : node->isReplica() ? "?" : "-") + " ";
      for (const SlotRange& range : node->slots.ranges()) {
        text += std::to_string(range.first) + "-" + std::to_string(range.last) + " ";
      }
      if (node->isMaster()) text += std::to_string(node->configEpoch);
    }
    for (size_t slot = 0; slot < kSlotCount; ++slot) {
      if (state.owner(slot) == nullptr) return {};
    }
    return text;
  };
  const std::string first = look(*nodes_[0], view);
  return !first.empty() && std::ranges::all_of(nodes_, [&](const auto& node) { return look(*node, view) == first; });
}

bool ClusterRun::replicasHoldAll() {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    SimNode& node = *nodes_[i];
    const std::string master = look(node, [](const cluster::State& state) {
      return state.myself().master != nullptr ? state.myself().master->id : std::string();
    });
    if (master.empty()) continue;
    const auto at = std::ranges::find(ids_, master);
    if (at == ids_.end()) return false;
    const oplog::Log& mine = node.node().engine().log();
    const oplog::Log& its = nodes_[static_cast<size_t>(at - ids_.begin())]->node().engine().log();
    if (!node.node().replication().replica().view().linkUp) return false;
    if (mine.history().id != its.history().id || mine.end() != its.end()) return false;
  }
  return true;
}

std::string ClusterRun::positions() {
  std::string text;
  for (const auto& node : nodes_) {
    text += (text.empty() ? "" : "; ") + node->name() + " " +
            look(*node,
                 [&](const cluster::State& state) {
                   const cluster::Node& me = state.myself();
                   std::string failing;
                   for (const auto& [id, other] : state.nodes())
                     failing += other->failing() ? " " + id.substr(0, 4) : "";
                   return me.id.substr(0, 4) + (state.up ? " up " : " down ") +
                          (me.master != nullptr ? "follows " + me.master->id.substr(0, 4)
                                                : "has " + std::to_string(me.slotCount)) +
                          " epoch " + std::to_string(me.configEpoch) + (failing.empty() ? "" : " fails:" + failing);
                 }) +
            " " + node->node().engine().log().history().id.substr(0, 4) + ":" +
            std::to_string(node->node().engine().log().end()) +
            (node->node().replication().replica().view().linkUp ? " linked" : "");
  }
  return text;
}

void ClusterRun::settle() {
  world_.trace("scenario", "heals");
  network_.heal();
  startAll();
  if (outcome_.failure) return;
  if (!world_.runUntil([this] { return oneView(); }, kConvergeAtMost)) return fail("no common view: " + positions());
  const SimTime healed = world_.now();
  if (!world_.runUntil([&] { return writers_->allAnsweredSince(healed); }, kConvergeAtMost)) {
    return fail("not all clients are served again: " + positions());
  }
  writers_->stop();
  if (!world_.runUntil([this] { return writers_->idle(); }, 30 * kSecond)) return fail("a client waits for ever");
  if (!world_.runUntil([this] { return oneView() && replicasHoldAll(); }, kConvergeAtMost)) {
    return fail("not every replica has what its master has: " + positions());
  }
  compareReplicas();
}

SimNode* ClusterRun::ownerOf(const std::string& key) {
  const std::string id = look(*nodes_[0], [&](const cluster::State& state) { return state.owner(keySlot(key))->id; });
  const auto at = std::ranges::find(ids_, id);
  return at == ids_.end() ? nullptr : nodes_[static_cast<size_t>(at - ids_.begin())].get();
}

std::vector<int64_t> ClusterRun::listOn(SimNode& node, const std::string& key) {
  const auto answers = ask(world_, network_, node.address(), {{"READONLY"}, {"LRANGE", key, "0", "-1"}});
  std::vector<int64_t> numbers;
  if (!answers || !answers->back().starts_with("[")) {
    fail(node.name() + " does not show " + key + ": " + (answers ? answers->back() : "no answer"));
    return numbers;
  }
  // "[$1, $2]"
  const std::string& text = answers->back();
  for (size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + 1)) {
    numbers.push_back(std::stoll(text.substr(at + 1)));
  }
  return numbers;
}

void ClusterRun::compareReplicas() {
  for (const auto& writer : writers_->writers()) {
    SimNode* owner = ownerOf(writer.key);
    if (owner == nullptr) return fail("nobody serves " + writer.key);
    const auto expected = listOn(*owner, writer.key);
    const std::string id = ids_[static_cast<size_t>(
        std::ranges::find_if(nodes_, [&](const auto& n) { return n.get() == owner; }) - nodes_.begin())];
    for (const auto& node : nodes_) {
      const bool follows = look(*node, [&](const cluster::State& state) {
        return state.myself().master != nullptr && state.myself().master->id == id;
      });
      if (follows && listOn(*node, writer.key) != expected) {
        return fail(node->name() + " and its master " + owner->name() + " hold different lists " + writer.key);
      }
    }
  }
}

void ClusterRun::checkLists(bool nothingMayBeMissing) {
  if (outcome_.failure) return;
  for (const auto& writer : writers_->writers()) {
    const auto found = listOn(*ownerOf(writer.key), writer.key);
    if (outcome_.failure) return;
    const std::set<int64_t> once(found.begin(), found.end());
    if (once.size() != found.size()) return fail("a write of " + writer.key + " was carried out twice");
    if (!once.empty() && *once.rbegin() > writer.sent) return fail(writer.key + " holds what nobody wrote");
    if (!nothingMayBeMissing) continue;
    for (int64_t number : writer.acknowledged) {
      if (!once.contains(number))
        return fail("the acknowledged write " + std::to_string(number) + " of " + writer.key + " is lost");
    }
  }
}

}  // namespace

void runClusterScenario(SimWorld& world, Outcome& outcome) {
  ClusterRun run(world, outcome);
  if (run.form()) {
    run.trouble();
    if (!outcome.failure) run.settle();
    run.checkLists(false);
  }
  run.finish();
}

void runClusterByHandScenario(SimWorld& world, Outcome& outcome) {
  ClusterRun run(world, outcome);
  if (run.form()) {
    run.changeRolesByHand();
    if (!outcome.failure) run.settle();
    run.checkLists(true);
  }
  run.finish();
}

}  // namespace vigil::sim
