// A master with two to four replicas, some behind others, whose roles change under load: FAILOVER in all its forms, a
// master that dies and for which an administrator promotes a replica, power that fails everywhere, replicas that are
// sent to follow another. Links are cut, silent and slow all the while; replicas die and pause.
//
// What clients were promised holds. A write that was answered outlives every FAILOVER without FORCE; one that WAIT
// found on k of R replicas is there after the master's death if the best of any R - k + 1 of them is promoted; what
// WAITAOF found on disks outlives the loss of all power likewise. Nobody ever shows what no master held, or goes back
// without a full resync. Then everything heals, and all hold the master's data.
#include "sim/scenario_roles.h"

#include <algorithm>

#include "sim/promises.h"
#include "sim/questions.h"

namespace vigil::sim {

namespace {

constexpr SimTime kConvergeAtMost = 120 * kSecond;
constexpr SimTime kAnswerAtMost = 30 * kSecond;
constexpr SimTime kFailoverAtMost = 45 * kSecond;

class Roles {
 public:
  Roles(SimWorld& world, Outcome& outcome)
      : world_(world), random_(world.random()), outcome_(outcome), network_(world) {}

  bool start();
  void load();
  void settle();

 private:
  using Needed = Promises::Needed;

  SimNode& master() { return *nodes_[current_]; }
  static oplog::Log& log(SimNode& node) { return node.node().engine().log(); }
  static bool isMaster(const std::unique_ptr<SimNode>& node) {
    return node->running() && !node->node().replication().replica().view().replica;
  }
  static drivers::Replication& replication(SimNode& node) { return node.node().replication(); }
  void fail(std::string why) {
    if (!outcome_.failure) outcome_.failure = std::move(why);
  }
  bool failed() {
    if (promises_->failure()) fail(*promises_->failure());
    for (auto& watcher : watchers_) {
      if (watcher->failure()) fail(*watcher->failure());
    }
    return outcome_.failure.has_value();
  }
  void addNode(size_t number);
  void configure(SimNode& node);
  void follow(size_t number, size_t whom);
  bool isBehind(size_t number, size_t whom) const;
  int countBehind(size_t whom) const;
  bool bringUp(SimNode& node);
  void startClients();
  void troubleReplicas(SimTime until);

  void failover();
  std::vector<Words> failoverCommand(size_t target, bool& forced);
  void abortSometime(bool& aborted);
  void failoverEnded(size_t old, size_t fullResyncs, bool forced, bool aborted);
  void tookOver(size_t old, size_t target, const Needed& needed, const std::string& how);

  void loseMaster();
  void losePowerEverywhere();
  std::vector<size_t> replicasThat(bool running) const;
  size_t bestOf(const std::vector<size_t>& candidates);
  size_t branch(const std::string& id) const;
  void noteHistory(SimNode& master);
  oplog::Offset effectiveEnd(SimNode& node);
  void promote(size_t number, const Needed& needed, const std::string& when);
  void repoint();

  void holdClients();
  void releaseClients();
  void checkMaster(const Needed& needed, const std::string& when);
  bool converged();
  std::string positions();
  void compareData();

  SimWorld& world_;
  SimRandom& random_;
  Outcome& outcome_;
  SimNetwork network_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::vector<size_t> follows_;  // whom each is meant to follow, by number; the master itself
  size_t current_ = 0;           // who is meant to be master
  // Histories that masters began, each with the one that it left, and where.
  static constexpr size_t kNone = SIZE_MAX;
  struct Branch {
    std::string id;
    size_t parent;
    oplog::Offset from;
  };
  std::vector<Branch> branches_;
  size_t lastBranch_ = 0;  // the last master's
  bool calm_ = false;      // nobody dies while the roles change
  std::unique_ptr<Promises> promises_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
};

// --- The group -------------------------------------------------------------------------------------------------

void Roles::configure(SimNode& node) {
  node.configuration = {{"save", ""},
                        {"repl-diskless-sync-delay", "0"},
                        {"repl-timeout", "4"},
                        {"repl-ping-replica-period", "1"},
                        {"replica-refuse-empty-master", "no"},
                        {"repl-diskless-sync", random_.chance(0.6) ? "yes" : "no"},
                        {"repl-backlog-size", random_.chance(0.3) ? "16384" : "1048576"}};
  if (random_.chance(0.3)) return;
  node.configuration.push_back({"appendonly", "yes"});
  node.configuration.push_back({"appendfsync", random_.chance(0.3) ? "always" : "everysec"});
  if (random_.chance(0.3)) node.configuration.push_back({"auto-aof-rewrite-min-size", "3000"});
}

void Roles::addNode(size_t number) {
  const std::string digit = std::to_string(number);
  nodes_.push_back(
      std::make_unique<SimNode>(world_, network_, "node" + digit, "10.0.0.1" + digit, 1 + random_.below(3)));
  configure(*nodes_.back());
  follows_.push_back(0);
  if (number > 0) follow(number, number > 1 && random_.chance(0.2) ? 1 : 0);
}

// From its next start on: what an administrator writes into its configuration file.
void Roles::follow(size_t number, size_t whom) {
  auto& rows = nodes_[number]->configuration;
  std::erase_if(rows, [](const Words& row) { return row[0] == "replicaof"; });
  follows_[number] = whom;
  if (number != whom) rows.push_back({"replicaof", nodes_[whom]->host(), "6379"});
}

// Whether `number` gets its data through `whom`.
bool Roles::isBehind(size_t number, size_t whom) const {
  for (size_t hops = 0; hops < nodes_.size(); ++hops, number = follows_[number]) {
    if (number == whom) return true;
  }
  return false;
}

int Roles::countBehind(size_t whom) const {
  int count = 0;
  for (size_t i = 0; i < nodes_.size(); ++i) count += i != whom && isBehind(i, whom);
  return count;
}

// One that is starting is waited for.
bool Roles::bringUp(SimNode& node) {
  if (node.running()) world_.runUntil([&] { return !node.running() || node.ready(); }, 60 * kSecond);
  return node.ready() || node.startAndLoad();
}

bool Roles::start() {
  network_.faults = drawNetworkFaults(random_);
  for (size_t i = 0, count = 3 + random_.below(3); i < count; ++i) addNode(i);
  promises_ = std::make_unique<Promises>(random_, 1 + random_.below(2), nodes_.size() - 1);
  for (auto& node : nodes_) {
    if (node->startAndLoad()) continue;
    fail(node->name() + " did not start: " + node->startError());
    return false;
  }
  auto linked = [this] {
    return std::ranges::all_of(
        nodes_, [this](auto& node) { return node.get() == &master() || replication(*node).replica().view().linkUp; });
  };
  if (!world_.runUntil(linked, kConvergeAtMost)) {
    fail("the replicas did not find their masters: " + positions());
    return false;
  }
  noteHistory(master());
  startClients();
  return true;
}

void Roles::startClients() {
  for (int i = 0, count = 2 + static_cast<int>(random_.below(3)); i < count; ++i) {
    clients_.push_back(std::make_unique<SimClient>(world_, network_, i, *promises_));
    clients_.back()->target = [this] { return master().address(); };
    clients_.back()->thinkLeast = 10 * kMs;
    clients_.back()->thinkMost = 500 * kMs;
    clients_.back()->patience = 300 * kSecond;  // FAILOVER may pause them for long
    clients_.back()->start();
  }
  const size_t groups = promises_->readAll().size() / 2;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    auto version = [&node = *nodes_[i]] { return node.fullResyncs() + node.deaths(); };
    watchers_.push_back(std::make_unique<Watcher>(world_, network_, 50 + static_cast<int>(i), nodes_[i]->address(),
                                                  groups, *promises_, version));
    watchers_.back()->start();
  }
}

void Roles::holdClients() {
  for (auto& client : clients_) client->hold();
}

void Roles::releaseClients() {
  for (auto& client : clients_) client->release();
}

void Roles::troubleReplicas(SimTime until) {
  world_.after(random_.skewed(300 * kMs, 4 * kSecond), [this, until] {
    if (world_.now() > until) return;
    const size_t number = random_.below(nodes_.size());
    SimNode& node = *nodes_[number];
    if (random_.chance(0.5)) {
      node.pause(random_.between(kMs, 5 * kSecond));
    } else if (!calm_ && number != current_ && node.ready()) {
      node.kill(random_.chance(0.5) ? Death::kPowerLoss : Death::kKill);
      // It comes back with less, and those behind it may have to go back to that.
      promises_->lessCopies(world_.now(), 1 + countBehind(number));
      promises_->lessDisks(world_.now(), countBehind(number));
      world_.after(random_.between(kMs, 2 * kSecond), [&node] {
        if (!node.running()) (void)node.start();
      });
    }
    troubleReplicas(until);
  });
}

// --- FAILOVER --------------------------------------------------------------------------------------------------

std::vector<Words> Roles::failoverCommand(size_t target, bool& forced) {
  Words command{"FAILOVER"};
  const bool to = random_.chance(0.6);
  if (to) {
    command.insert(command.end(), {"TO", nodes_[target]->host(), "6379"});
    forced = random_.chance(0.3);
    if (forced) command.push_back("FORCE");
  }
  if (forced || random_.chance(0.4)) {
    command.insert(command.end(), {"TIMEOUT", std::to_string(random_.skewed(5, 5000))});
  }
  return {command};
}

// Later, and in whichever state it finds the failover.
void Roles::abortSometime(bool& aborted) {
  world_.runFor(random_.skewed(kMs, 3 * kSecond));
  auto answers = ask(world_, network_, master().address(), {{"FAILOVER", "ABORT"}}, false, kAnswerAtMost);
  if (!answers) return fail(master().name() + " did not answer to FAILOVER ABORT");
  aborted = answers->front() == "+OK";
}

void Roles::failover() {
  calm_ = true;
  size_t target = random_.below(nodes_.size());
  if (target == current_) target = (target + 1) % nodes_.size();
  const size_t old = current_, fullResyncs = master().fullResyncs();
  bool forced = false, aborted = false;
  auto command = failoverCommand(target, forced);
  auto answers = ask(world_, network_, master().address(), command, false, kAnswerAtMost);
  if (!answers) return fail(master().name() + " did not answer to FAILOVER");
  if (answers->front() == "+OK") {
    if (random_.chance(0.2)) abortSometime(aborted);
    if (failed()) return;
    // The old master may take its role back a moment after the failover has ended.
    auto ended = [this] {
      if (!master().running()) return true;
      return !replication(master()).failover().active() && std::ranges::any_of(nodes_, isMaster);
    };
    if (!world_.runUntil(ended, kFailoverAtMost) || !master().running()) {
      return fail("FAILOVER did not end: " + positions());
    }
    failoverEnded(old, fullResyncs, forced, aborted);
  }
  calm_ = false;
}

void Roles::failoverEnded(size_t old, size_t fullResyncs, bool forced, bool aborted) {
  size_t next = old;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (i == old || !isMaster(nodes_[i])) continue;
    if (next != old) return fail("several replicas were promoted: " + positions());
    next = i;
  }
  noteHistory(*nodes_[old]);  // a new one, if it was a replica for a moment
  if (next == old) return checkMaster({.copies = 0}, "after a FAILOVER that failed");
  const bool two = isMaster(nodes_[old]);
  if (two && !aborted) return fail("two masters after FAILOVER: " + positions());
  if (!two && !forced &&
      (replication(*nodes_[old]).replica().view().syncing || nodes_[old]->fullResyncs() != fullResyncs)) {
    return fail("the old master needs a full resync after FAILOVER: " + positions());
  }
  // What the target lacked when it was forced, or what the old one took after ABORT, may be lost.
  const auto running = static_cast<int>(replicasThat(true).size());
  const auto all = static_cast<int>(nodes_.size()) - 1;
  if (!two && !forced) return tookOver(old, next, {.copies = 0}, "after FAILOVER");
  tookOver(old, next, {.copies = two ? Promises::kNever : running, .disks = two ? Promises::kNever : all},
           two ? "after FAILOVER and ABORT" : "after FAILOVER with FORCE");
}

void Roles::tookOver(size_t old, size_t target, const Needed& needed, const std::string& how) {
  holdClients();
  const bool lossy = needed.copies > 0;
  const bool two = !replication(*nodes_[old]).replica().view().replica;
  noteHistory(*nodes_[target]);
  current_ = target;
  follow(target, target);
  follow(old, target);
  if (two && !ask(world_, network_, nodes_[old]->address(), {{"REPLICAOF", nodes_[target]->host(), "6379"}}, false,
                  kAnswerAtMost)) {
    return fail(nodes_[old]->name() + " did not answer to REPLICAOF");
  }
  checkMaster(needed, how);
  if (lossy) promises_->lessCopies(world_.now());
  promises_->lessDisks(world_.now());
  promises_->masterReplaced();
  releaseClients();
}

// --- The master's death, and everybody's --------------------------------------------------------------------------

std::vector<size_t> Roles::replicasThat(bool running) const {
  std::vector<size_t> found;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (i != current_ && nodes_[i]->ready() == running) found.push_back(i);
  }
  return found;
}

size_t Roles::branch(const std::string& id) const {
  auto at = std::ranges::find(branches_, id, &Branch::id);
  return at == branches_.end() ? kNone : static_cast<size_t>(at - branches_.begin());
}

void Roles::noteHistory(SimNode& master) {
  const oplog::History history = log(master).history();
  if (branch(history.id) == kNone)
    branches_.push_back({history.id, branch(history.previousId), history.previousEnd - 1});
}

// How far a node has the writes of the last master: what both histories have in common.
oplog::Offset Roles::effectiveEnd(SimNode& node) {
  std::vector<std::pair<size_t, oplog::Offset>>
      path;  // of the last master: up to where each history is part of its own
  oplog::Offset limit = INT64_MAX;
  for (size_t at = lastBranch_; at != kNone; at = branches_[at].parent) {
    path.emplace_back(at, limit);
    limit = std::min(limit, branches_[at].from);
  }
  oplog::Offset end = log(node).end();
  for (size_t at = branch(log(node).history().id); at != kNone; at = branches_[at].parent) {
    auto common = std::ranges::find(path, at, &std::pair<size_t, oplog::Offset>::first);
    if (common != path.end()) return std::min(end, common->second);
    end = std::min(end, branches_[at].from);
  }
  return -1;
}

size_t Roles::bestOf(const std::vector<size_t>& candidates) {
  return *std::ranges::max_element(candidates, {}, [this](size_t i) { return effectiveEnd(*nodes_[i]); });
}

// REPLICAOF NO ONE, and everybody else follows.
void Roles::promote(size_t number, const Needed& needed, const std::string& when) {
  SimNode& promoted = *nodes_[number];
  world_.trace("scenario", "promotes " + promoted.name());
  follow(number, number);
  if (!ask(world_, network_, promoted.address(), {{"REPLICAOF", "NO", "ONE"}}, false, kAnswerAtMost)) {
    return fail(promoted.name() + " did not answer to REPLICAOF NO ONE");
  }
  noteHistory(promoted);
  const size_t old = std::exchange(current_, number);
  checkMaster(needed, when);
  promises_->lessCopies(world_.now());
  promises_->lessDisks(world_.now());
  promises_->masterReplaced();
  for (size_t i = 0; i < nodes_.size() && !failed(); ++i) {
    if (i == number) continue;
    follow(i, number);
    if (i == old && !nodes_[i]->running()) continue;
    if (!bringUp(*nodes_[i])) return fail(nodes_[i]->name() + " did not start again: " + nodes_[i]->startError());
    if (!ask(world_, network_, nodes_[i]->address(), {{"REPLICAOF", promoted.host(), "6379"}}, false, kAnswerAtMost)) {
      return fail(nodes_[i]->name() + " did not answer to REPLICAOF");
    }
  }
  if (!nodes_[old]->running()) (void)nodes_[old]->start();
}

void Roles::loseMaster() {
  if (replicasThat(true).empty()) return;
  calm_ = true;
  holdClients();
  master().kill(random_.chance(0.5) ? Death::kPowerLoss : Death::kKill);
  world_.runFor(random_.skewed(kMs, 2 * kSecond));  // what travels arrives, who restarts is there
  std::vector<size_t> candidates = replicasThat(true);
  const auto all = static_cast<int>(nodes_.size()) - 1, running = static_cast<int>(candidates.size());
  while (candidates.size() > 1 && random_.chance(0.4)) {
    candidates.erase(candidates.begin() + static_cast<ptrdiff_t>(random_.below(candidates.size())));
  }
  const int asked = static_cast<int>(candidates.size());
  promote(bestOf(candidates), {.copies = running - asked + 1, .disks = all - asked + 1}, "after the master's death");
  releaseClients();
  calm_ = false;
}

void Roles::losePowerEverywhere() {
  calm_ = true;
  holdClients();
  world_.trace("scenario", "power is lost everywhere");
  for (auto& node : nodes_) node->kill(Death::kPowerLoss);
  promises_->powerLost();
  const bool masterReturns = random_.chance(0.5);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (i == current_ && !masterReturns) continue;
    if (!bringUp(*nodes_[i])) return fail(nodes_[i]->name() + " did not start again: " + nodes_[i]->startError());
  }
  if (masterReturns) {
    noteHistory(master());
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (i != current_ && follows_[i] != current_) promises_->lessDisks(world_.now());  // as after a replica's death
    }
    checkMaster({.copies = Promises::kNever, .disks = Promises::kNever, .local = true}, "after the loss of all power");
  } else {
    std::vector<size_t> candidates = replicasThat(true);
    const auto all = static_cast<int>(candidates.size());
    while (candidates.size() > 1 && random_.chance(0.4)) {
      candidates.erase(candidates.begin() + static_cast<ptrdiff_t>(random_.below(candidates.size())));
    }
    const int asked = static_cast<int>(candidates.size());
    promote(bestOf(candidates), {.copies = Promises::kNever, .disks = all - asked + 1},
            "a replica promoted after the loss of all power");
  }
  releaseClients();
  calm_ = false;
}

// --- REPLICAOF -------------------------------------------------------------------------------------------------

void Roles::repoint() {
  const size_t number = random_.below(nodes_.size()), whom = random_.below(nodes_.size());
  if (number == current_ || isBehind(whom, number) || !nodes_[number]->ready()) return;
  calm_ = true;
  follow(number, whom);
  auto answers = ask(world_, network_, nodes_[number]->address(), {{"REPLICAOF", nodes_[whom]->host(), "6379"}}, false,
                     kAnswerAtMost);
  if (!answers) return fail(nodes_[number]->name() + " did not answer to REPLICAOF");
  // Another replica may have less than this one.
  if (whom != current_) {
    promises_->lessCopies(world_.now(), 1 + countBehind(number));
    promises_->lessDisks(world_.now(), 1 + countBehind(number));
  }
  calm_ = false;
}

// --- The run ---------------------------------------------------------------------------------------------------

void Roles::load() {
  std::vector<std::pair<std::string, std::string>> links;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    for (size_t j = 0; j < i; ++j) links.emplace_back(nodes_[i]->host(), nodes_[j]->host());
  }
  const uint64_t changes = 2 + random_.below(5);
  const SimTime until = world_.now() + static_cast<SimTime>(changes) * 3 * kSecond;
  if (random_.chance(0.8)) troubleLinks(world_, network_, std::move(links), 500 * kMs, until);
  if (random_.chance(0.6)) troubleReplicas(until);
  for (uint64_t change = 0; change < changes && !failed(); ++change) {
    world_.runFor(random_.skewed(300 * kMs, 4 * kSecond));
    const uint64_t dice = random_.below(10);
    if (dice < 4) {
      failover();
    } else if (dice < 7) {
      loseMaster();
    } else if (dice < 9) {
      repoint();
    } else {
      losePowerEverywhere();
    }
  }
  if (!failed()) world_.runUntil(until + 1);
}

void Roles::checkMaster(const Needed& needed, const std::string& when) {
  auto answers = ask(world_, network_, master().address(), promises_->readAll(), true, kAnswerAtMost);
  if (!answers || answers->size() != promises_->readAll().size()) {
    return fail(master().name() + " does not answer " + when + (answers ? ": " + answers->front() : ""));
  }
  lastBranch_ = branch(log(master()).history().id);
  promises_->check(*answers, needed, when);
}

std::string Roles::positions() {
  std::string text;
  for (auto& node : nodes_) {
    text += (text.empty() ? "" : ", ") + node->name();
    if (!node->running()) {
      text += " dead";
      continue;
    }
    const auto view = replication(*node).replica().view();
    text += " " + log(*node).history().id.substr(0, 8) + ":" + std::to_string(log(*node).end());
    text += !view.replica ? " master" : " of " + view.master.host + (view.linkUp ? " up" : " down");
  }
  return text;
}

bool Roles::converged() {
  for (auto& node : nodes_) {
    if (node.get() == &master()) continue;
    if (!node->ready() || !replication(*node).replica().view().linkUp) return false;
    if (log(*node).history().id != log(master()).history().id || log(*node).end() != log(master()).end()) return false;
  }
  return true;
}

void Roles::settle() {
  if (failed()) return;
  world_.trace("scenario", "heals");
  calm_ = true;
  network_.heal();
  for (auto& client : clients_) client->stop();
  for (auto& node : nodes_) {
    if (!node->running()) (void)node->start();
  }
  auto idle = [this] { return std::ranges::all_of(clients_, [](auto& client) { return client->idle(); }); };
  if (!world_.runUntil(idle, kAnswerAtMost)) return fail("a request was not answered after everything healed");
  if (!world_.runUntil([this] { return converged(); }, kConvergeAtMost))
    return fail("did not converge: " + positions());
  for (auto& watcher : watchers_) watcher->stop();
  checkMaster({.copies = 0}, "at the end");
  compareData();
  failed();
  outcome_.answered += promises_->answered();
}

void Roles::compareData() {
  auto expected = ask(world_, network_, master().address(), promises_->readAll(), true, kAnswerAtMost);
  if (!expected) return fail("the master does not answer");
  for (auto& node : nodes_) {
    auto found = ask(world_, network_, node->address(), promises_->readAll(), true, kAnswerAtMost);
    if (!found) return fail(node->name() + " does not answer");
    if (*found != *expected) return fail(node->name() + " holds other data than its master");
  }
}

}  // namespace

void runRolesScenario(SimWorld& world, Outcome& outcome) {
  Roles roles(world, outcome);
  if (!roles.start()) return;
  roles.load();
  roles.settle();
}

}  // namespace vigil::sim
