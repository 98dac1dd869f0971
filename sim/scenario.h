// A scenario: a program of the seed. It builds nodes and clients in a world, makes trouble, lets everything heal, and
// says whether what must hold held.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/mixed_workload.h"
#include "sim/sim_client.h"
#include "sim/sim_node.h"

namespace vigil::sim {

struct Outcome {
  std::optional<std::string> failure;
  size_t answered = 0;   // operations
  size_t undecided = 0;  // histories whose search was given up
  uint64_t events = 0;
  uint64_t traceHash = 0;
};

struct Scenario {
  std::string_view name;
  std::string_view about;
  // Fills in failure, answered and undecided.
  void (*run)(SimWorld& world, Outcome& outcome);
};
const std::vector<Scenario>& scenarios();

// One run, from its seed alone. A trace goes to `trace` if given.
Outcome runScenario(const Scenario& scenario, uint64_t seed, std::FILE* trace = nullptr);

// --- Parts of scenarios ---

// The clients of one workload, and the check of what they saw.
class Clients {
 public:
  Clients(SimWorld& world, SimNetwork& network, size_t count, const MixedWorkload::Mix& mix,
          std::function<Endpoint(int client)> target);
  void setThinkTime(SimTime least, SimTime most);
  void start();
  // Ends the load and waits until the last answer is there.
  void finish();
  // One client more reads every key: the histories then say what is there now.
  void readEverything(const Endpoint& from);
  // Fails the run if an answer is missing that should be there, or if no order of the operations explains the answers.
  void check(Outcome& outcome);
  // The node that all clients used died at `death`, and `node` holds what it recovered: the state as of some moment in
  // `when`. What clients saw until then, and what is there now, is checked and forgotten; the histories begin anew from
  // there.
  void hold();
  void checkRecovery(const Endpoint& node, SimTime death, Window when, Outcome& outcome);
  void release();
  MixedWorkload& workload() { return workload_; }
  std::vector<std::string> hosts() const;

 private:
  static void judge(const std::vector<Operation>& history, const Model& initial, Outcome& outcome);

  SimWorld& world_;
  SimNetwork& network_;
  MixedWorkload workload_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<Model> initial_;  // by group
  bool hangs_ = false;
};

// Waits until the load has made `operations` answers, or that much time has passed.
void letRun(SimWorld& world, Clients& clients, size_t operations, SimTime atMost);
// Faults of the network, as the seed has them.
NetworkFaults drawNetworkFaults(SimRandom& random);
// Now and then, until `until`: cuts between the hosts given, in one direction or both, healed again.
void troubleLinks(SimWorld& world, SimNetwork& network, std::vector<std::pair<std::string, std::string>> links,
                  SimTime every, SimTime until);

}  // namespace vigil::sim
