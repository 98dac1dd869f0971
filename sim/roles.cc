#include "sim/roles.h"

#include "sim/questions.h"

namespace vigil::sim {

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
  histories_.note(log(master()));
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
  histories_.follow(log(master()));
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

}  // namespace vigil::sim
