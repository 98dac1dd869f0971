// One node that saves RDB files while clients write, over a disk that fails now and then. Then it dies. What it loads
// is the state as of the moment of its last save that succeeded, or of a later one that it died in.
#include "sim/scenario_rdb.h"

namespace vigil::sim {

namespace {

struct Save {
  SimTime begun = 0;
  SimTime ended = 0;
  bool over = false;
};

class Saver {
 public:
  Saver(SimWorld& world, SimNode& node) : world_(world), node_(node) {}

  // Saves again and again until the node dies. (A save while the next process loads would put what is half loaded into
  // the file; BGSAVE, save points and SHUTDOWN refuse it.)
  void saveOn() {
    if (!node_.running() || node_.deaths() > 0) return;
    ProcessStep step(node_.process());
    auto save = std::make_shared<Save>();
    save->begun = world_.now();
    last_ = save;
    auto begun = node_.node().rdb().save(drivers::RdbDriver::Kind::kBackground, [this, save](Status status) {
      save->over = true;
      save->ended = world_.now();
      node_.process().trace(status ? "saved" : "not saved: " + status.error().message);
      if (status) good_ = save;
      world_.after(world_.random().skewed(kMs, 200 * kMs), [this] { saveOn(); });
    });
    if (!begun) {
      save->over = true;
      save->ended = world_.now();
    }
  }

  // From which moment the file on the disk may be. A save that failed may have put its file in place before.
  Window window(SimTime death) const {
    SimTime latest = !last_ ? 0 : last_->over ? last_->ended : death;
    return {good_ ? good_->begun : 0, latest};
  }

 private:
  SimWorld& world_;
  SimNode& node_;
  std::shared_ptr<Save> good_;
  std::shared_ptr<Save> last_;
};

}  // namespace

void runRdbScenario(SimWorld& world, Outcome& outcome) {
  SimRandom& random = world.random();
  SimNetwork network(world);
  network.faults = drawNetworkFaults(random);
  SimNode node(world, network, "node", "10.0.0.1", 1 + random.below(4));
  node.configuration = {{"save", ""}, {"stop-writes-on-bgsave-error", "no"}};
  if (!node.startAndLoad()) {
    outcome.failure = "did not start: " + node.startError();
    return;
  }
  MixedWorkload::Mix mix;
  mix.groups = 1 + random.below(4);
  mix.expiry = false;
  mix.refusals = true;
  Clients clients(world, network, 3 + random.below(5), mix, [&](int) { return node.address(); });
  Saver saver(world, node);
  world.after(random.skewed(kMs, 100 * kMs), [&] { saver.saveOn(); });
  if (random.chance(0.5)) {
    node.disk().faults.writeError = 0.05;
    node.disk().faults.syncError = 0.1;
  }
  if (random.chance(0.3)) node.disk().faults.death = 0.02;
  node.disk().faults.powerLoss = 0.5;
  clients.start();
  letRun(world, clients, (40 + random.below(80)) * mix.groups, 5 * kSecond);
  SimTime death = world.now();
  clients.hold();
  node.kill(random.chance(0.5) ? Death::kPowerLoss : Death::kKill);
  node.disk().faults = DiskFaults{};
  network.heal();
  if (!node.startAndLoad()) {
    outcome.failure = "did not start again: " + node.startError();
    return;
  }
  clients.checkRecovery(node.address(), death, saver.window(death), outcome);
  clients.finish();
  clients.check(outcome);
}

}  // namespace vigil::sim
