#include "sim/sentinel_deployment.h"

#include <algorithm>

#include "sim/questions.h"

namespace vigil::sim {

namespace {

constexpr SimTime kTilt = 30 * kSecond;
constexpr SimTime kRepairs = 90 * kSecond;  // of connections, and of replicas that follow another master
constexpr SimTime kWritesWithin = 20 * kSecond;
constexpr SimTime kHandOverWithin = 20 * kSecond;

}  // namespace

void SentinelDeployment::startAll() {
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
SimNode* SentinelDeployment::agreedMaster() {
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

bool SentinelDeployment::converged() {
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

std::string SentinelDeployment::position() {
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

bool SentinelDeployment::waitForConvergence(SimTime atMost, std::string_view after) {
  if (world_.runUntil([this] { return failed() || converged(); }, atMost)) return !failed();
  fail("no agreement after " + std::string(after) + ": " + position());
  return false;
}

void SentinelDeployment::settle() {
  if (failed()) return;
  world_.trace("scenario", "heals");
  network_.heal();
  startAll();
  if (failed()) return;
  waitForConvergence(2 * failoverTimeoutMs_ * kMs + kTilt + kRepairs, "healing");
}

// All clients have written something new since `before`, so that what was lost in the trouble is behind them.
bool SentinelDeployment::allWriteAgain() {
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
void SentinelDeployment::handOver() {
  if (failed()) return;
  do {  // meanwhile one more failover may have begun, which promises less
    if (!waitForConvergence(kRepairs, "new writes")) return;
    if (!allWriteAgain()) return fail("clients cannot write: " + position());
  } while (!converged());
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

void SentinelDeployment::checkNothingLost() {
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

void SentinelDeployment::finish() {
  for (auto& client : clients_) client->stop();
  for (auto& client : clients_) {
    world_.runUntil([&] { return client->idle(); }, 10 * kSecond);
    outcome_.answered += client->answers();
  }
  world_.trace("scenario", std::to_string(safety_->failovers()) + " failovers");
  if (!failed()) compareData();
}

void SentinelDeployment::compareData() {
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

}  // namespace vigil::sim
