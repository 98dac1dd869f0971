// A master and its replicas in the simulator, whose roles change under load in every way that there is without a Sentinel
// or a cluster. The scenario says what must hold.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/histories.h"
#include "sim/promises.h"
#include "sim/scenario.h"

namespace vigil::sim {

class Roles {
 public:
  Roles(SimWorld& world, Outcome& outcome)
      : world_(world), random_(world.random()), outcome_(outcome), network_(world) {}

  bool start();
  void load();
  void settle();

 private:
  static constexpr SimTime kConvergeAtMost = 120 * kSecond;
  static constexpr SimTime kAnswerAtMost = 30 * kSecond;
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

  // FAILOVER (roles_failover.cc).
  void failover();
  std::vector<Words> failoverCommand(size_t target, bool& forced);
  void abortSometime(bool& aborted);
  void failoverEnded(size_t old, size_t fullResyncs, bool forced, bool aborted);
  void tookOver(size_t old, size_t target, const Needed& needed, const std::string& how);

  // The master's death, everybody's, and what an administrator does (roles_deaths.cc).
  void loseMaster();
  void losePowerEverywhere();
  std::vector<size_t> replicasThat(bool running) const;
  size_t bestOf(const std::vector<size_t>& candidates);
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
  Histories histories_;
  bool calm_ = false;      // nobody dies while the roles change
  std::unique_ptr<Promises> promises_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
};

}  // namespace vigil::sim
