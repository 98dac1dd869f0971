// A master with one to three replicas, of which the last may follow another replica, over links that are cut, silent
// and slow; replicas die and pause. At any moment a replica shows a state that its master had. Then everything heals,
// and all must come to hold the same data at the same offset of the same history.
//
// In the second scenario the master dies, too, and recovers from its AOF: with what its replicas have or more, or in a
// new history. At the end a replica may be promoted, and its siblings must go on without a full resync.
#include "sim/scenario_replication.h"

#include <algorithm>

#include "sim/questions.h"

namespace vigil::sim {

namespace {

constexpr SimTime kConvergeAtMost = 120 * kSecond;

class Group {
 public:
  Group(SimWorld& world, Outcome& outcome, bool masterDies)
      : world_(world), random_(world.random()), outcome_(outcome), network_(world), masterDies_(masterDies) {}

  bool start();
  void load();
  void settle();
  void promoteOne();

 private:
  using Row = std::vector<std::string>;

  SimNode& master() { return *nodes_[0]; }
  static oplog::Log& log(SimNode& node) { return node.node().engine().log(); }
  void fail(std::string why) {
    if (!outcome_.failure) outcome_.failure = std::move(why);
  }
  void addNode(size_t number);
  std::vector<Row> configuration(bool replica);
  void watchReplicas();
  void troubleReplicas(SimTime until);
  void slowDown(SimNode& node);
  void killMaster();
  void checkNobodyIsAhead(const std::string& history);
  void startAll();
  bool converged();
  std::string position(SimNode& node);
  void compareData();
  void compareLogs();

  SimWorld& world_;
  SimRandom& random_;
  Outcome& outcome_;
  SimNetwork network_;
  const bool masterDies_;
  bool always_ = false;
  std::vector<std::unique_ptr<SimNode>> nodes_;  // the master first
  std::vector<size_t> follows_;                  // whom each follows, by number
  MixedWorkload::Mix mix_;
  std::unique_ptr<Clients> clients_;
  std::vector<std::unique_ptr<Onlooker>> onlookers_;
  size_t current_ = 0;  // who is master
};

std::vector<Group::Row> Group::configuration(bool replica) {
  std::vector<Row> rows = {{"save", ""},
                           {"repl-diskless-sync-delay", "0"},
                           {"repl-timeout", "4"},
                           {"repl-ping-replica-period", "1"},
                           {"repl-diskless-sync", random_.chance(0.6) ? "yes" : "no"},
                           {"repl-backlog-size", random_.chance(0.5) ? "8192" : "1048576"}};
  const bool aof = replica ? random_.chance(0.4) : masterDies_ || random_.chance(0.4);
  if (!aof) return rows;
  const bool always = random_.chance(0.5);
  if (!replica) always_ = always;
  rows.push_back({"appendonly", "yes"});
  rows.push_back({"appendfsync", always ? "always" : "everysec"});
  if (random_.chance(0.3)) rows.push_back({"auto-aof-rewrite-min-size", "3000"});
  return rows;
}

void Group::addNode(size_t number) {
  const bool replica = number > 0;
  const std::string digit = std::to_string(number);
  nodes_.push_back(std::make_unique<SimNode>(world_, network_, replica ? "replica" + digit : "master",
                                             "10.0.0.1" + digit, 1 + random_.below(3)));
  SimNode& node = *nodes_.back();
  node.configuration = configuration(replica);
  follows_.push_back(number > 1 && random_.chance(0.4) ? 1 : 0);
  if (replica) node.configuration.push_back({"replicaof", nodes_[follows_.back()]->host(), "6379"});
}

bool Group::start() {
  network_.faults = drawNetworkFaults(random_);
  for (size_t i = 0, count = 2 + random_.below(3); i < count; ++i) addNode(i);
  for (auto& node : nodes_) {
    if (node->startAndLoad()) continue;
    fail(node->name() + " did not start: " + node->startError());
    return false;
  }
  mix_.groups = 1 + random_.below(3);
  mix_.expiry = !masterDies_;
  mix_.refusals = true;
  clients_ = std::make_unique<Clients>(world_, network_, 2 + random_.below(4), mix_,
                                       [this](int) { return master().address(); });
  clients_->setThinkTime(10 * kMs, kSecond);
  clients_->start();
  if (!masterDies_) watchReplicas();
  if (masterDies_) slowDown(master());
  return true;
}

// What a replica shows is what the master's clients could have seen at some moment before.
void Group::watchReplicas() {
  for (size_t i = 1; i < nodes_.size(); ++i) {
    auto seen = [this](const Request& look) {
      Request past = look;
      past.operation.called = 0;
      clients_->workload().finished(past);
    };
    onlookers_.push_back(std::make_unique<Onlooker>(world_, network_, 50 + static_cast<int>(i), nodes_[i]->address(),
                                                    mix_.groups, seen));
    onlookers_.back()->start();
  }
}

void Group::troubleReplicas(SimTime until) {
  world_.after(random_.skewed(200 * kMs, 4 * kSecond), [this, until] {
    if (world_.now() > until) return;
    SimNode& node = *nodes_[1 + random_.below(nodes_.size() - 1)];
    if (random_.chance(0.4)) {
      node.pause(random_.between(kMs, 6 * kSecond));
    } else if (node.running()) {
      node.kill(random_.chance(0.5) ? Death::kPowerLoss : Death::kKill);
      world_.after(random_.between(kMs, 2 * kSecond), [&node] {
        if (!node.running()) (void)node.start();
      });
    }
    troubleReplicas(until);
  });
}

// --- The master's death ----------------------------------------------------------------------------------------

// A replica is never sent what the master would not have after a crash. (What an AOF of everysec has not synced is lost
// with the machine's power: then replicas may be ahead, and the recovered master begins a new history.)
void Group::checkNobodyIsAhead(const std::string& history) {
  const bool covered = always_ || !master().lostPower();
  const oplog::History recovered = log(master()).history();
  if (!covered || recovered.previousId != history) return;
  for (size_t i = 1; i < nodes_.size(); ++i) {
    SimNode& node = *nodes_[i];
    if (!node.running() || log(node).history().id != history || log(node).end() < recovered.previousEnd) continue;
    fail(node.name() + " has offset " + std::to_string(log(node).end()) + " of a history that its master recovered up to " +
         std::to_string(recovered.previousEnd - 1));
  }
}

// Its AOF lags behind: what must wait for that waits long.
void Group::slowDown(SimNode& node) {
  if (random_.chance(0.5)) node.process().taskSlowness = random_.between(2, 20);
}

void Group::killMaster() {
  clients_->hold();
  const std::string history = log(master()).history().id;
  master().kill(random_.chance(0.5) ? Death::kPowerLoss : Death::kKill);
  const SimTime death = master().lastDeath();
  world_.runFor(random_.between(kMs, 3 * kSecond));  // what travels arrives, links find out
  if (!master().startAndLoad()) return fail("the master did not start again: " + master().startError());
  checkNobodyIsAhead(history);
  slowDown(master());
  const Window when = always_ ? Window{death, death} : master().recoveredWithoutAlways();
  clients_->checkRecovery(master().address(), death, when, outcome_);
  clients_->release();
}

// --- The run ---------------------------------------------------------------------------------------------------

void Group::load() {
  std::vector<std::pair<std::string, std::string>> links;
  for (size_t i = 1; i < nodes_.size(); ++i) links.emplace_back(nodes_[i]->host(), nodes_[follows_[i]]->host());
  const SimTime until = world_.now() + (masterDies_ ? 12 : 5 + random_.below(8)) * kSecond;
  troubleLinks(world_, network_, std::move(links), kSecond, until);
  if (random_.chance(0.6)) troubleReplicas(until);
  for (uint64_t life = 0, lives = masterDies_ ? 1 + random_.below(3) : 0; life < lives && !outcome_.failure; ++life) {
    world_.runFor(random_.between(100 * kMs, 4 * kSecond));
    killMaster();
  }
  world_.runUntil(until + 1);
}

void Group::startAll() {
  for (auto& node : nodes_) {
    for (int attempt = 0; attempt < 2 && !node->ready(); ++attempt) {
      if (node->running()) world_.runUntil([&] { return !node->running() || node->ready(); }, 30 * kSecond);
      if (!node->running()) (void)node->startAndLoad();
    }
    if (!node->ready()) return fail(node->name() + " did not start again: " + node->startError());
  }
}

std::string Group::position(SimNode& node) {
  return node.name() + " " + log(node).history().id.substr(0, 8) + ":" + std::to_string(log(node).end()) +
         (node.node().replication().replica().view().linkUp ? " up" : " down");
}

bool Group::converged() {
  SimNode& top = *nodes_[current_];
  const oplog::History history = log(top).history();
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (i == current_) continue;
    SimNode& node = *nodes_[i];
    if (!node.node().replication().replica().view().linkUp || log(node).history().id != history.id) return false;
    if (log(node).end() != log(top).end()) return false;
  }
  return true;
}

// Everything heals; whoever follows must catch up, and nobody may hold anything else than its master.
void Group::settle() {
  world_.trace("scenario", "heals");
  network_.heal();
  clients_->finish();
  for (auto& onlooker : onlookers_) onlooker->stop();
  startAll();
  if (outcome_.failure) return;
  world_.runFor(kSecond);  // keys expire
  if (!world_.runUntil([this] { return converged(); }, kConvergeAtMost)) {
    std::string where;
    for (auto& node : nodes_) where += (where.empty() ? "" : ", ") + position(*node);
    return fail("did not converge: " + where);
  }
  compareLogs();
  clients_->readEverything(nodes_[current_]->address());
  compareData();
  clients_->check(outcome_);
}

void Group::compareData() {
  std::vector<Words> reads;
  for (size_t group = 0; group < mix_.groups; ++group) {
    for (const std::string& key : MixedWorkload::keysOf(group)) {
      bool list = key.ends_with(":l") || key.ends_with(":m");
      reads.push_back(list ? Words{"LRANGE", key, "0", "-1"} : Words{"GET", key});
    }
  }
  reads.push_back({"DBSIZE"});
  auto expected = ask(world_, network_, nodes_[current_]->address(), reads, true);
  if (!expected) return fail("the master does not answer");
  for (auto& node : nodes_) {
    auto found = ask(world_, network_, node->address(), reads, true);
    if (!found) return fail(node->name() + " does not answer");
    for (size_t i = 0; i < reads.size(); ++i) {
      if ((*found)[i] == (*expected)[i]) continue;
      return fail(brief(reads[i]) + " on the master: " + (*expected)[i] + ", on " + node->name() + ": " + (*found)[i]);
    }
  }
}

// For a failure's text: line ends are shown as blanks.
std::string printable(std::string bytes) {
  for (char& c : bytes) {
    if (c < ' ') c = ' ';
  }
  return bytes.empty() ? "nothing" : bytes;
}

// What the logs hold of the same offsets are the same bytes.
void Group::compareLogs() {
  auto bytes = [](SimNode& node, oplog::Offset from, oplog::Offset to) {
    std::string all;
    auto cursor = log(node).cursor(from);
    while (cursor.valid() && cursor.position() < to) {
      std::string_view piece = cursor.peek(to);
      std::string onDisk;
      if (piece.empty() && cursor.state(to) == oplog::Cursor::State::kOnDisk) {
        onDisk.resize(static_cast<size_t>(to - cursor.position()));
        auto read = log(node).readSpilled(cursor.position(), onDisk);
        piece = std::string_view(onDisk).substr(0, read ? *read : 0);
      }
      if (piece.empty()) break;
      all += piece;
      cursor.advance(piece.size());
    }
    return all;
  };
  SimNode& top = *nodes_[current_];
  for (auto& node : nodes_) {
    const oplog::Offset from = std::max(log(top).start(), log(*node).start());
    const oplog::Offset to = std::min(log(top).end(), log(*node).end());
    const std::string expected = bytes(top, from, to), found = bytes(*node, from, to);
    if (expected == found) continue;
    const size_t at = static_cast<size_t>(std::ranges::mismatch(expected, found).in1 - expected.begin());
    return fail("the logs of " + top.name() + " and " + node->name() + " (from " + std::to_string(from) + " to " +
                std::to_string(to) + ") differ at offset " + std::to_string(from + static_cast<oplog::Offset>(at)) + ": " +
                printable(expected.substr(at, 60)) + " and " + printable(found.substr(at, 60)));
  }
}

// REPLICAOF NO ONE on a replica; all others, the old master included, follow it.
void Group::promoteOne() {
  if (outcome_.failure) return;
  world_.trace("scenario", "promotes a replica");
  // Nobody may be behind when the roles change, and a master's PINGs move its offset.
  if (!ask(world_, network_, nodes_[current_]->address(), {{"CLIENT", "PAUSE", "20000", "WRITE"}}) ||
      !world_.runUntil([this] { return converged(); }, 10 * kSecond)) {
    return fail("did not converge while writes were paused");
  }
  current_ = 1 + random_.below(nodes_.size() - 1);
  SimNode& promoted = *nodes_[current_];
  if (!ask(world_, network_, promoted.address(), {{"REPLICAOF", "NO", "ONE"}})) return fail("no answer to REPLICAOF");
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (i == current_) continue;
    if (!ask(world_, network_, nodes_[i]->address(), {{"REPLICAOF", promoted.host(), "6379"}})) {
      return fail(nodes_[i]->name() + " did not answer to REPLICAOF");
    }
  }
  const int64_t before = promoted.node().replication().master().fullSyncs();
  ask(world_, network_, promoted.address(), {{"SET", "g0:a", "promoted"}, {"RPUSH", "g0:l", "promoted"}});
  if (!world_.runUntil([this] { return converged(); }, kConvergeAtMost)) {
    std::string where;
    for (auto& node : nodes_) where += (where.empty() ? "" : ", ") + position(*node);
    return fail("did not converge on the promoted replica: " + where);
  }
  if (promoted.node().replication().master().fullSyncs() != before) {
    return fail("a full resync after a promotion, although nobody was behind");
  }
  compareLogs();
  compareData();
}

void runGroup(SimWorld& world, Outcome& outcome, bool masterDies) {
  Group group(world, outcome, masterDies);
  if (!group.start()) return;
  group.load();
  group.settle();
  if (world.random().chance(0.3)) group.promoteOne();
}

}  // namespace

void runReplicationScenario(SimWorld& world, Outcome& outcome) { runGroup(world, outcome, false); }
void runMasterDiesScenario(SimWorld& world, Outcome& outcome) { runGroup(world, outcome, true); }

}  // namespace vigil::sim
