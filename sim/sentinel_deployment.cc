#include "sim/sentinel_deployment.h"

#include <algorithm>

namespace vigil::sim {

namespace {

constexpr SimTime kAcquaintedWithin = 60 * kSecond;

}  // namespace

std::vector<SentinelDeployment::Row> SentinelDeployment::nodeConfiguration(size_t number) {
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

std::vector<SentinelDeployment::Row> SentinelDeployment::sentinelConfiguration() {
  std::vector<Row> rows = {{"sentinel", "monitor", "m", nodes_[0]->host(), "6379", std::to_string(quorum_)},
                           {"sentinel", "down-after-milliseconds", "m", std::to_string(downAfterMs_)},
                           {"sentinel", "failover-timeout", "m", std::to_string(failoverTimeoutMs_)},
                           {"sentinel", "parallel-syncs", "m", std::to_string(1 + random_.below(2))}};
  if (random_.chance(0.3)) rows.push_back({"sentinel", "refused-down-after-milliseconds", "m", "200"});
  if (random_.chance(0.3)) rows.push_back({"sentinel", "client-reconfig-script", "m", "/usr/bin/tell-clients"});
  if (random_.chance(0.3)) rows.push_back({"sentinel", "notification-script", "m", "/usr/bin/tell-people"});
  return rows;
}

void SentinelDeployment::addNode(size_t number) {
  const std::string digit = std::to_string(number);
  nodes_.push_back(std::make_unique<SimNode>(world_, network_, "node" + digit, "10.0.0.1" + digit, 1));
  SimNode& node = *nodes_.back();
  node.keepsConfiguration = true;
  node.configuration = nodeConfiguration(number);
  node.clockRate = random_.between(950'000, 1'050'000);
}

void SentinelDeployment::addSentinel(size_t number) {
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

void SentinelDeployment::addClients() {
  std::vector<Endpoint> where;
  for (const auto& sentinel : sentinels_) where.push_back(sentinel->address());
  for (int i = 0, count = static_cast<int>(1 + random_.below(3)); i < count; ++i) {
    clients_.push_back(std::make_unique<SentinelClient>(world_, network_, i, where, nodes_[0]->address()));
    clients_.back()->start();
  }
}

void SentinelDeployment::watchSafety() {
  world_.setWatch([this] {
    for (const auto& sentinel : sentinels_) {
      if (sentinel->running()) safety_->look(*sentinel);
    }
    if (safety_->failure()) fail(*safety_->failure());
  });
}

// All know all others and all replicas.
bool SentinelDeployment::acquainted() {
  return std::ranges::all_of(sentinels_, [this](const auto& sentinel) {
    if (!sentinel->running()) return false;
    const sentinel::MonitoredMaster* master = sentinel->state().find("m");
    return master->sentinels.size() == sentinels_.size() - 1 && master->replicas.size() == nodes_.size() - 1 &&
           std::ranges::all_of(master->sentinels, [](const auto& other) { return other.second->link.commands.up(); });
  });
}

bool SentinelDeployment::start() {
  static constexpr size_t kSentinels[] = {3, 3, 3, 3, 4, 5, 5, 7};
  const size_t sentinels = kSentinels[random_.below(std::size(kSentinels))];
  quorum_ = static_cast<uint32_t>(random_.chance(0.5) ? sentinels / 2 + 1 : 1 + random_.below(sentinels));
  downAfterMs_ = random_.between(200, 2000);
  failoverTimeoutMs_ = random_.between(2000, 10'000);
  safety_ = std::make_unique<SentinelSafety>(sentinels, quorum_, !usersForce);
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

}  // namespace vigil::sim
