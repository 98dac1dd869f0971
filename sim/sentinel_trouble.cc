#include "sim/sentinel_deployment.h"

#include <algorithm>

namespace vigil::sim {

void SentinelDeployment::silence(const std::vector<Path>& paths, SimTime duration) {
  for (const auto& [from, to] : paths) network_.block(from, to);
  world_.after(duration, [this, paths] {
    world_.trace("network", "heard again");
    for (const auto& [from, to] : paths) network_.unblock(from, to);
  });
}

// Two groups of hosts do not hear each other, or one does not hear the other. A Sentinel is mostly on the side of the
// server with its number, as if they shared a machine.
void SentinelDeployment::partition() {
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

void SentinelDeployment::killSomebody() {
  const Death how = random_.chance(0.5) ? Death::kPowerLoss : Death::kKill;
  if (random_.chance(0.5)) return sentinels_[random_.below(sentinels_.size())]->kill(how);
  nodes_[random_.chance(0.4) ? 0 : random_.below(nodes_.size())]->kill(how);
}

void SentinelDeployment::killMaster() {
  for (const auto& sentinel : sentinels_) {
    if (!sentinel->running()) continue;
    const std::string& host = sentinel->state().find("m")->self->address.host;
    for (const auto& node : nodes_) {
      if (node->host() == host) return node->kill(random_.chance(0.5) ? Death::kPowerLoss : Death::kKill);
    }
  }
}

// Who has just voted dies, and is back soon enough to be asked again in the same epoch.
void SentinelDeployment::onVote(SimSentinel& sentinel) {
  if (!random_.chance(0.7)) return;
  world_.after(random_.skewed(kMs, 20 * kMs), [this, &sentinel] {
    if (votersDie_) sentinel.kill(Death::kPowerLoss);
  });
  world_.after(random_.between(25 * kMs, 150 * kMs), [this, &sentinel] {
    if (votersDie_ && !sentinel.running()) (void)sentinel.start();
  });
}

// The master dies while some of the Sentinels do not hear each other: more than one stands for election.
void SentinelDeployment::quarrel() {
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

void SentinelDeployment::pauseSomebody() {
  const SimTime duration = random_.skewed(50 * kMs, 8 * kSecond);
  if (random_.chance(0.5)) return sentinels_[random_.below(sentinels_.size())]->pause(duration);
  nodes_[random_.below(nodes_.size())]->pause(duration);
}

void SentinelDeployment::jumpClock() {
  const int64_t by = random_.between(-3600 * kSecond, 3600 * kSecond);
  if (random_.chance(0.5)) {
    sentinels_[random_.below(sentinels_.size())]->wallOffset += by;
  } else {
    nodes_[random_.below(nodes_.size())]->wallOffset += by;
  }
}

// One user, or several who do not know of each other.
void SentinelDeployment::forceFailover() {
  for (const auto& sentinel : sentinels_) {
    if (random_.chance(0.6)) continue;
    const int number = 50 + static_cast<int>(orders_.size());
    orders_.push_back(
        std::make_unique<Order>(world_, network_, number, sentinel->address(), Words{"SENTINEL", "FAILOVER", "m"}));
  }
}

void SentinelDeployment::trouble(SimTime until) {
  world_.after(random_.skewed(100 * kMs, 5 * kSecond), [this, until] {
    if (world_.now() > until) return;
    if (usersForce && random_.chance(0.4)) forceFailover();
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
void SentinelDeployment::keepRunning(SimTime until) {
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

void SentinelDeployment::makeTrouble() {
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

}  // namespace vigil::sim
