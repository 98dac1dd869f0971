// Three to seven Sentinels watch a master with one to three replicas, and clients that find the master through them
// write to it. Hosts are cut off from each other, in one direction or both, alone or in groups; servers and Sentinels
// die, and start again with what their disks hold; they pause, and their clocks run apart and jump. At no moment may
// the Sentinels do what sentinel_safety.h forbids. Then everything heals: all must agree on one master, all others must
// follow it, and a failover that its user asks for (COORDINATED) must lose nothing that was acknowledged since.
#include "sim/scenario_sentinel.h"

#include <algorithm>

#include "sim/questions.h"
#include "sim/sentinel_clients.h"
#include "sim/sentinel_safety.h"

namespace vigil::sim {

namespace {

constexpr SimTime kAcquaintedWithin = 60 * kSecond;
constexpr SimTime kTilt = 30 * kSecond;
constexpr SimTime kRepairs = 90 * kSecond;  // of connections, and of replicas that follow another master
constexpr SimTime kWritesWithin = 20 * kSecond;
constexpr SimTime kHandOverWithin = 20 * kSecond;

using Row = std::vector<std::string>;
using Path = std::pair<std::string, std::string>;

class Deployment {
 public:
  Deployment(SimWorld& world, Outcome& outcome)
      : world_(world), random_(world.random()), outcome_(outcome), network_(world) {}
  ~Deployment() { world_.setWatch(nullptr); }

  bool start();
  void makeTrouble();
  void settle();
  void handOver();
  void finish();
  bool failed() const { return outcome_.failure.has_value(); }

 private:
  void fail(std::string why) {
    if (!outcome_.failure) outcome_.failure = std::move(why);
  }
  std::vector<Row> nodeConfiguration(size_t number);
  std::vector<Row> sentinelConfiguration();
  void addNode(size_t number);
  void addSentinel(size_t number);
  void addClients();
  void watchSafety();
  bool acquainted();

  void trouble(SimTime until);
  void killSomebody();
  void killMaster();
  void onVote(SimSentinel& sentinel);
  void quarrel();
  void pauseSomebody();
  void jumpClock();
  void partition();
  void silence(const std::vector<Path>& paths, SimTime duration);
  void keepRunning(SimTime until);
  void startAll();

  SimNode* agreedMaster();
  bool converged();
  std::string position();
  bool waitForConvergence(SimTime atMost, std::string_view after);
  bool allWriteAgain();
  void checkNothingLost();
  void compareData();

  SimWorld& world_;
  SimRandom& random_;
  Outcome& outcome_;
  SimNetwork network_;
  uint32_t quorum_ = 1;
  bool votersDie_ = false;  // in the trouble
  int64_t downAfterMs_ = 0;
  int64_t failoverTimeoutMs_ = 0;
  std::vector<std::unique_ptr<SimNode>> nodes_;  // the first is the first master
  std::vector<std::unique_ptr<SimSentinel>> sentinels_;
  std::vector<std::unique_ptr<SentinelClient>> clients_;
  std::unique_ptr<SentinelSafety> safety_;
};

// --- Set-up ------------------------------------------------------------------------------------------------------

std::vector<Row> Deployment::nodeConfiguration(size_t number) {
  std::vector<Row> rows = {{"save", ""},
                           {"repl-diskless-sync-delay", "0"},
                           {"repl-timeout", "4"},
                           {"repl-ping-replica-period", "1"},
                           {"repl-backlog-size", random_.chance(0.5) ? "16384" : "1048576"}};
  if (random_.chance(0.5)) {
    rows.push_back({"appendonly", "yes"});
    rows.push_back({"appendfsync", random_.chance(0.5) ? "always" : "everysec"});
  }
  if (number > 0) rows.push_back({"replicaof", nodes_[0]->host(), "6379"});
  return rows;
}

std::vector<Row> Deployment::sentinelConfiguration() {
  std::vector<Row> rows = {{"sentinel", "monitor", "m", nodes_[0]->host(), "6379", std::to_string(quorum_)},
                           {"sentinel", "down-after-milliseconds", "m", std::to_string(downAfterMs_)},
                           {"sentinel", "failover-timeout", "m", std::to_string(failoverTimeoutMs_)},
                           {"sentinel", "parallel-syncs", "m", std::to_string(1 + random_.below(2))}};
  if (random_.chance(0.3)) rows.push_back({"sentinel", "refused-down-after-milliseconds", "m", "200"});
  if (random_.chance(0.3)) rows.push_back({"sentinel", "client-reconfig-script", "m", "/usr/bin/tell-clients"});
  if (random_.chance(0.3)) rows.push_back({"sentinel", "notification-script", "m", "/usr/bin/tell-people"});
  return rows;
}

void Deployment::addNode(size_t number) {
  const std::string digit = std::to_string(number);
  nodes_.push_back(std::make_unique<SimNode>(world_, network_, "node" + digit, "10.0.0.1" + digit, 1));
  SimNode& node = *nodes_.back();
  node.keepsConfiguration = true;
  node.configuration = nodeConfiguration(number);
  node.clockRate = random_.between(950'000, 1'050'000);
}

void Deployment::addSentinel(size_t number) {
  const std::string digit = std::to_string(number);
  sentinels_.push_back(
      std::make_unique<SimSentinel>(world_, network_, "sentinel" + digit, "10.0.1.1" + digit, sentinelConfiguration()));
  SimSentinel& sentinel = *sentinels_.back();
  sentinel.clockRate = random_.between(950'000, 1'050'000);
  sentinel.onLog = [this, &sentinel](std::string_view line) {
    safety_->onLog(sentinel, line);
    if (votersDie_ && line.starts_with("+vote-for-leader")) onVote(sentinel);
  };
}

void Deployment::addClients() {
  std::vector<Endpoint> where;
  for (const auto& sentinel : sentinels_) where.push_back(sentinel->address());
  for (int i = 0, count = static_cast<int>(1 + random_.below(3)); i < count; ++i) {
    clients_.push_back(std::make_unique<SentinelClient>(world_, network_, i, where, nodes_[0]->address()));
    clients_.back()->start();
  }
}

void Deployment::watchSafety() {
  world_.setWatch([this] {
    for (const auto& sentinel : sentinels_) {
      if (sentinel->running()) safety_->look(*sentinel);
    }
    if (safety_->failure()) fail(*safety_->failure());
  });
}

// All know all others and all replicas.
bool Deployment::acquainted() {
  return std::ranges::all_of(sentinels_, [this](const auto& sentinel) {
    if (!sentinel->running()) return false;
    const sentinel::MonitoredMaster* master = sentinel->state().find("m");
    return master->sentinels.size() == sentinels_.size() - 1 && master->replicas.size() == nodes_.size() - 1 &&
           std::ranges::all_of(master->sentinels, [](const auto& other) { return other.second->link.commands.up(); });
  });
}

bool Deployment::start() {
  static constexpr size_t kSentinels[] = {3, 3, 3, 3, 4, 5, 5, 7};
  const size_t sentinels = kSentinels[random_.below(std::size(kSentinels))];
  quorum_ = static_cast<uint32_t>(random_.chance(0.5) ? sentinels / 2 + 1 : 1 + random_.below(sentinels));
  downAfterMs_ = random_.between(200, 2000);
  failoverTimeoutMs_ = random_.between(2000, 10'000);
  safety_ = std::make_unique<SentinelSafety>(sentinels, quorum_);
  for (size_t i = 0, count = 2 + random_.below(3); i < count; ++i) addNode(i);
  for (auto& node : nodes_) {
    if (!node->startAndLoad()) return fail(node->name() + " did not start: " + node->startError()), false;
  }
  for (size_t i = 0; i < sentinels; ++i) addSentinel(i);
  watchSafety();
  for (auto& sentinel : sentinels_) {
    if (auto started = sentinel->start(); !started) {
      return fail(sentinel->name() + " did not start: " + started.error().message), false;
    }
  }
  addClients();
  if (!world_.runUntil([this] { return acquainted(); }, kAcquaintedWithin))
    fail("the Sentinels did not find each other");
  return !failed();
}

// --- Trouble -----------------------------------------------------------------------------------------------------

void Deployment::silence(const std::vector<Path>& paths, SimTime duration) {
  for (const auto& [from, to] : paths) network_.block(from, to);
  world_.after(duration, [this, paths] {
    world_.trace("network", "heard again");
    for (const auto& [from, to] : paths) network_.unblock(from, to);
  });
}

// Two groups of hosts do not hear each other, or one does not hear the other. A Sentinel is mostly on the side of the
// server with its number, as if they shared a machine.
void Deployment::partition() {
  const bool oneWay = random_.chance(0.4);
  std::vector<std::string> sides[2];
  std::vector<size_t> sideOf;
  for (const auto& node : nodes_) {
    sideOf.push_back(random_.below(2));
    sides[sideOf.back()].push_back(node->host());
  }
  for (size_t i = 0; i < sentinels_.size(); ++i) {
    const bool together = i < sideOf.size() && random_.chance(0.7);
    sides[together ? sideOf[i] : random_.below(2)].push_back(sentinels_[i]->host());
  }
  for (const auto& client : clients_) sides[random_.below(2)].push_back(client->hosts()[0]);
  std::string text = oneWay ? "does not hear the others:" : "cut off:";
  std::vector<Path> paths;
  for (const std::string& a : sides[0]) {
    text += " " + a;
    for (const std::string& b : sides[1]) {
      paths.emplace_back(b, a);
      if (!oneWay) paths.emplace_back(a, b);
    }
  }
  world_.trace("network", text);
  silence(paths, random_.skewed(200 * kMs, 12 * kSecond));
}

void Deployment::killSomebody() {
  const Death how = random_.chance(0.5) ? Death::kPowerLoss : Death::kKill;
  if (random_.chance(0.5)) return sentinels_[random_.below(sentinels_.size())]->kill(how);
  nodes_[random_.chance(0.4) ? 0 : random_.below(nodes_.size())]->kill(how);
}

void Deployment::killMaster() {
  for (const auto& sentinel : sentinels_) {
    if (!sentinel->running()) continue;
    const std::string& host = sentinel->state().find("m")->self->address.host;
    for (const auto& node : nodes_) {
      if (node->host() == host) return node->kill(random_.chance(0.5) ? Death::kPowerLoss : Death::kKill);
    }
  }
}

// Who has just voted dies, and is back soon enough to be asked again in the same epoch.
void Deployment::onVote(SimSentinel& sentinel) {
  if (!random_.chance(0.7)) return;
  world_.after(random_.skewed(kMs, 20 * kMs), [this, &sentinel] { sentinel.kill(Death::kPowerLoss); });
  world_.after(random_.between(25 * kMs, 150 * kMs), [this, &sentinel] {
    if (votersDie_ && !sentinel.running()) (void)sentinel.start();
  });
}

// The master dies while some of the Sentinels do not hear each other: more than one stands for election.
void Deployment::quarrel() {
  std::vector<Path> paths;
  for (size_t a = 0; a < sentinels_.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      if (!random_.chance(0.6)) continue;
      paths.emplace_back(sentinels_[a]->host(), sentinels_[b]->host());
      paths.emplace_back(sentinels_[b]->host(), sentinels_[a]->host());
    }
  }
  world_.trace("network", "some Sentinels do not hear each other");
  silence(paths, downAfterMs_ * kMs + random_.between(kSecond, 6 * kSecond));
  killMaster();
}

void Deployment::pauseSomebody() {
  const SimTime duration = random_.skewed(50 * kMs, 8 * kSecond);
  if (random_.chance(0.5)) return sentinels_[random_.below(sentinels_.size())]->pause(duration);
  nodes_[random_.below(nodes_.size())]->pause(duration);
}

void Deployment::jumpClock() {
  const int64_t by = random_.between(-3600 * kSecond, 3600 * kSecond);
  if (random_.chance(0.5)) {
    sentinels_[random_.below(sentinels_.size())]->wallOffset += by;
  } else {
    nodes_[random_.below(nodes_.size())]->wallOffset += by;
  }
}

void Deployment::trouble(SimTime until) {
  world_.after(random_.skewed(100 * kMs, 5 * kSecond), [this, until] {
    if (world_.now() > until) return;
    const double what = static_cast<double>(random_.below(100)) / 100;
    if (what < 0.3) {
      partition();
    } else if (what < 0.5) {
      quarrel();
    } else if (what < 0.7) {
      killSomebody();
    } else if (what < 0.9) {
      pauseSomebody();
    } else {
      jumpClock();
    }
    trouble(until);
  });
}

// Whoever has died is started again sooner or later.
void Deployment::keepRunning(SimTime until) {
  world_.after(300 * kMs, [this, until] {
    if (world_.now() > until) return;
    for (auto& node : nodes_) {
      if (!node->running() && random_.chance(0.15)) (void)node->start();
    }
    for (auto& sentinel : sentinels_) {
      if (!sentinel->running() && random_.chance(0.25)) (void)sentinel->start();
    }
    keepRunning(until);
  });
}

void Deployment::makeTrouble() {
  network_.faults = drawNetworkFaults(random_);
  votersDie_ = random_.chance(0.4);
  if (votersDie_) {  // a vote is durable only some time after it was given
    for (auto& sentinel : sentinels_) sentinel->slowDown(10);
  }
  if (random_.chance(0.6)) {
    for (auto& sentinel : sentinels_) {
      sentinel->disk().faults = {.writeError = random_.chance(0.3) ? 0.02 : 0,
                                 .syncError = random_.chance(0.3) ? 0.02 : 0,
                                 .slowSync = random_.chance(0.5) ? 0.1 : 0,
                                 .death = 0.01,
                                 .powerLoss = 0.5};
    }
  }
  const SimTime until = world_.now() + random_.between(5, 25) * kSecond;
  trouble(until);
  keepRunning(until);
  std::vector<Path> links;
  for (const auto& sentinel : sentinels_) {
    for (const auto& node : nodes_) links.emplace_back(sentinel->host(), node->host());
    links.emplace_back(sentinel->host(), sentinels_[0]->host());
  }
  if (random_.chance(0.5)) troubleLinks(world_, network_, std::move(links), kSecond, until);
  world_.runUntil([this] { return failed(); }, until + 1 - world_.now());
  votersDie_ = false;
}

// --- Healing -----------------------------------------------------------------------------------------------------

void Deployment::startAll() {
  for (auto& sentinel : sentinels_) {
    sentinel->disk().faults = {};
    sentinel->slowDown(1);
  }
  for (auto& sentinel : sentinels_) {
    if (sentinel->running()) continue;
    if (auto started = sentinel->start(); !started) {
      return fail(sentinel->name() + " did not start again: " + started.error().message);
    }
  }
  for (auto& node : nodes_) {
    if (node->running()) continue;
    if (auto started = node->start(); !started) fail(node->name() + " did not start again: " + started.error().message);
  }
}

// The server that all Sentinels name, if they do, see it as up, and are about nothing.
SimNode* Deployment::agreedMaster() {
  SimNode* agreed = nullptr;
  for (const auto& sentinel : sentinels_) {
    if (!sentinel->running()) return nullptr;
    const sentinel::MonitoredMaster* master = sentinel->state().find("m");
    if (master == nullptr) return fail(sentinel->name() + " has forgotten its master"), nullptr;
    if (master->failover.underWay() || master->self->down() || sentinel->state().tiltSince != 0) return nullptr;
    const auto named =
        std::ranges::find_if(nodes_, [&](const auto& node) { return node->host() == master->self->address.host; });
    if (named == nodes_.end() || (agreed != nullptr && agreed != named->get())) return nullptr;
    agreed = named->get();
  }
  return agreed;
}

bool Deployment::converged() {
  SimNode* master = agreedMaster();
  if (master == nullptr || !master->ready() || master->node().replication().replica().view().replica) return false;
  const std::string& history = master->node().engine().log().history().id;
  return std::ranges::all_of(nodes_, [&](const auto& node) {
    if (node.get() == master) return true;
    if (!node->ready()) return false;
    const auto view = node->node().replication().replica().view();
    return view.replica && view.linkUp && view.master.host == master->host() &&
           node->node().engine().log().history().id == history;
  });
}

std::string Deployment::position() {
  std::string text;
  for (const auto& sentinel : sentinels_) {
    text += text.empty() ? "" : ", ";
    text += sentinel->name() + " ";
    if (!sentinel->running()) {
      text += "does not run";
      continue;
    }
    const sentinel::MonitoredMaster* master = sentinel->state().find("m");
    text += master->currentAddress().host + " epoch " + std::to_string(master->configEpoch);
    if (master->self->down()) text += " down";
    if (master->failover.underWay())
      text += " failover stage " + std::to_string(static_cast<int>(master->failover.stage));
  }
  for (const auto& node : nodes_) {
    text += ", " + node->name() + " ";
    if (!node->ready()) {
      text += "does not serve";
      continue;
    }
    const auto view = node->node().replication().replica().view();
    text += view.replica ? "follows " + view.master.host + (view.linkUp ? "" : " (link down)") : "is master";
  }
  return text;
}

bool Deployment::waitForConvergence(SimTime atMost, std::string_view after) {
  if (world_.runUntil([this] { return failed() || converged(); }, atMost)) return !failed();
  fail("no agreement after " + std::string(after) + ": " + position());
  return false;
}

void Deployment::settle() {
  if (failed()) return;
  world_.trace("scenario", "heals");
  network_.heal();
  startAll();
  if (failed()) return;
  waitForConvergence(2 * failoverTimeoutMs_ * kMs + kTilt + kRepairs, "healing");
}

// All clients have written something new since `before`, so that what was lost in the trouble is behind them.
bool Deployment::allWriteAgain() {
  std::vector<int64_t> before;
  for (const auto& client : clients_) before.push_back(client->sent());
  return world_.runUntil(
      [&] {
        for (size_t i = 0; i < clients_.size(); ++i) {
          if (clients_[i]->acknowledged() <= before[i]) return false;
        }
        return true;
      },
      kWritesWithin);
}

// The user of one Sentinel asks for a failover while clients write.
void Deployment::handOver() {
  if (failed()) return;
  if (!allWriteAgain()) return fail("clients cannot write: " + position());
  const SimNode* before = agreedMaster();
  SimSentinel& asked = *sentinels_[random_.below(sentinels_.size())];
  const auto answer = ask(world_, network_, asked.address(), {{"SENTINEL", "FAILOVER", "m", "COORDINATED"}});
  if (failed()) return;
  // A replica may have been away for too long, or have got its data so lately that nobody has heard of it.
  if (!answer || (*answer)[0] != "+OK")
    return world_.trace("scenario", "refused: " + (answer ? (*answer)[0] : "no answer"));
  world_.runUntil([&] { return failed() || (converged() && agreedMaster() != before); }, kHandOverWithin);
  if (!waitForConvergence(kRepairs, "a coordinated failover")) return;
  checkNothingLost();
}

void Deployment::checkNothingLost() {
  std::vector<Words> reads;
  std::vector<int64_t> acknowledged;
  for (const auto& client : clients_) {
    reads.push_back({"GET", client->key()});
    acknowledged.push_back(client->acknowledged());
  }
  const auto found = ask(world_, network_, agreedMaster()->address(), reads);
  if (!found) return fail("the master does not answer");
  for (size_t i = 0; i < clients_.size(); ++i) {
    const std::string& value = (*found)[i];
    if (value.starts_with("$") && std::stoll(value.substr(1)) >= acknowledged[i]) continue;
    fail("a coordinated failover lost " + clients_[i]->key() + " " + std::to_string(acknowledged[i]) + ": it is " +
         value);
  }
}

void Deployment::finish() {
  for (auto& client : clients_) client->stop();
  for (auto& client : clients_) {
    world_.runUntil([&] { return client->idle(); }, 10 * kSecond);
    outcome_.answered += client->answers();
  }
  world_.trace("scenario", std::to_string(safety_->failovers()) + " failovers");
  if (!failed()) compareData();
}

void Deployment::compareData() {
  if (!waitForConvergence(kRepairs, "the load")) return;
  const oplog::Log& log = agreedMaster()->node().engine().log();
  auto even = [&] {
    return std::ranges::all_of(nodes_,
                               [&](const auto& node) { return node->node().engine().log().end() == log.end(); });
  };
  if (!world_.runUntil(even, 20 * kSecond)) return fail("the replicas do not catch up");
  std::vector<Words> reads;
  for (const auto& client : clients_) reads.push_back({"GET", client->key()});
  const auto expected = ask(world_, network_, agreedMaster()->address(), reads);
  for (const auto& node : nodes_) {
    const auto found = ask(world_, network_, node->address(), reads);
    if (!expected || !found) return fail(node->name() + " does not answer");
    for (size_t i = 0; i < reads.size(); ++i) {
      const std::string& value = (*found)[i];
      if (value != (*expected)[i]) fail(node->name() + " holds " + value + " for " + (*expected)[i]);
      if (value.starts_with("$") && std::stoll(value.substr(1)) > clients_[i]->sent()) fail("nobody wrote " + value);
    }
  }
}

}  // namespace

void runSentinelScenario(SimWorld& world, Outcome& outcome) {
  Deployment deployment(world, outcome);
  if (!deployment.start()) return;
  deployment.makeTrouble();
  deployment.settle();
  deployment.handOver();
  deployment.finish();
}

}  // namespace vigil::sim
