// A cluster in the simulator: its nodes and the clients that write to it, the trouble that it gets into, and what must hold
// once it is over. The scenarios say what for.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "drivers/cluster/cluster_driver.h"
#include "sim/bus_witness.h"
#include "sim/cluster_writers.h"
#include "sim/questions.h"
#include "sim/scenario.h"

namespace vigil::sim {

class ClusterRun {
 public:
  enum class Moves { kByKey, kAtomic };  // how slots go from master to master

  ClusterRun(SimWorld& world, Outcome& outcome, Moves moves)
      : world_(world),
        moves_(moves),
        random_(world.random()),
        outcome_(outcome),
        network_(world),
        witness_([this](std::string what) { fail(std::move(what)); },
                 [this](const std::string& host) { return confOf(host); }) {
    network_.onWrite = [this](const SimLink& link, size_t side, std::string_view bytes) {
      witness_.wrote(link, side, bytes);
    };
  }

  bool form();
  void trouble();            // cluster_trouble.cc
  void changeRolesByHand();  // likewise
  void moveSlotsInPeace();   // cluster_moves.cc
  void settle();             // cluster_settling.cc
  void checkLists(bool nothingMayBeMissing);
  void finish() { outcome_.answered += writers_ ? writers_->acknowledged() : 0; }

 private:
  template <typename Look>
  static auto look(SimNode& node, Look what) {  // what(const cluster::State&)
    return node.node().cluster()->look(
        [&](const cluster::Cluster& core, cluster::Moment) { return what(core.state()); });
  }
  void fail(std::string why) {
    if (!outcome_.failure) outcome_.failure = std::move(why);
  }
  std::string confOf(const std::string& host) {
    const auto at = std::ranges::find(nodes_, host, [](const auto& node) { return node->host(); });
    return at == nodes_.end() ? std::string() : (*at)->disk().content("nodes.conf");
  }
  void addNode(size_t number);
  bool command(size_t number, Words words);
  bool shareSlots();
  bool meet();
  bool followMasters();
  void strike();
  void crash(SimNode& node);
  void cutOff(SimNode& node);
  void type(size_t number, Words words);
  void failoverByHand(size_t number, bool force);
  std::vector<size_t> replicas();
  std::vector<size_t> mastersBut(size_t number);
  bool anyIsMaster(const std::vector<size_t>& numbers);

  // Slots moved as redis-cli --cluster reshard does it (cluster_reshard.cc).
  std::optional<std::string> tell(size_t number, Words words);
  bool tellOk(size_t number, Words words);
  std::optional<std::vector<std::string>> keysOf(size_t number, uint16_t slot);
  bool moveKeys(size_t from, size_t to, uint16_t slot, bool amidTrouble);
  bool moveSlot(size_t from, size_t to, uint16_t slot, bool amidTrouble);
  void reshard(bool amidTrouble);
  void breathe(bool amidTrouble);
  void mendSlots();
  void gatherStrays(size_t owner, size_t stray, uint16_t slot);

  // Slots that move atomically (cluster_moves.cc).
  void moveAtomically();
  bool migrationsAreOver();
  std::string strays();
  void checkMoves();

  void startAll();
  bool oneView();
  bool comesTo(const std::function<bool()>& done, SimTime atMost);
  bool replicasHoldAll();
  std::string positions();
  std::string views();  // and where they differ from the first node's
  std::vector<int64_t> listOn(SimNode& node, const std::string& key);
  std::optional<size_t> ownerOf(uint16_t slot);
  void compareReplicas();

  SimWorld& world_;
  const Moves moves_;
  SimRandom& random_;
  Outcome& outcome_;
  SimNetwork network_;
  BusWitness witness_;
  size_t masters_ = 3;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::vector<std::string> ids_;
  std::unique_ptr<ClusterWriters> writers_;
  std::vector<std::unique_ptr<Order>> orders_;
  bool powerCuts_ = true;    // deaths may be the machine's
  std::set<uint16_t> moved_;  // slots that were to be moved, whatever came of it
  // Those whose move was given up halfway: their keys are in two places, and nobody moves them to a third before they are
  // mended.
  std::set<uint16_t> open_;
};

}  // namespace vigil::sim
