// A deployment of Sentinels in the simulator: servers, Sentinels and clients, the trouble that they get into, and what must
// hold once it is over. The scenario says what for.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/questions.h"
#include "sim/scenario.h"
#include "sim/sentinel_clients.h"
#include "sim/sentinel_safety.h"
#include "sim/sim_sentinel.h"

namespace vigil::sim {

class SentinelDeployment {
 public:
  SentinelDeployment(SimWorld& world, Outcome& outcome)
      : world_(world), random_(world.random()), outcome_(outcome), network_(world) {}
  ~SentinelDeployment() { world_.setWatch(nullptr); }

  bool usersForce = false;  // SENTINEL FAILOVER amid the trouble. Set before start()

  bool start();
  void makeTrouble();  // sentinel_trouble.cc
  // Afterwards (sentinel_healing.cc):
  void settle();
  void handOver();
  void finish();
  bool failed() const { return outcome_.failure.has_value(); }

 private:
  using Row = std::vector<std::string>;
  using Path = std::pair<std::string, std::string>;

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
  void forceFailover();
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
  std::vector<std::unique_ptr<Order>> orders_;  // of users
  std::unique_ptr<SentinelSafety> safety_;
};

}  // namespace vigil::sim
