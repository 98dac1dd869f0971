// One node with an append-only file, killed and started again and again, with or without its machine, over a disk that
// fails, is slow and fills up. With appendfsync always nothing acknowledged is lost, whatever happens; with everysec
// nothing when only the process dies, and at most the last two seconds when the machine does. What is loaded is always
// the state as of one moment.
#include "sim/scenario_aof.h"

namespace vigil::sim {

namespace {

DiskFaults drawDiskFaults(SimRandom& random, const SimDisk& disk) {
  DiskFaults faults;
  if (random.chance(0.3)) faults.writeError = 0.02;
  if (random.chance(0.3)) faults.syncError = 0.03;
  if (random.chance(0.3)) faults.slowSync = 0.02;
  if (random.chance(0.2)) faults.capacity = disk.used() + 2000 + random.below(20000);
  if (random.chance(0.5)) faults.death = random.chance(0.5) ? 0.02 : 0.002;
  faults.powerLoss = random.chance(0.5) ? 0.5 : 0;
  return faults;
}

// Starts the node, which may die of a fault while it loads; without faults in the end.
bool revive(SimWorld& world, SimNode& node, Outcome& outcome) {
  for (int attempt = 0; attempt < 6; ++attempt) {
    if (attempt == 5) node.disk().faults = DiskFaults{};
    size_t deaths = node.deaths();
    if (node.startAndLoad()) return true;
    if (node.deaths() == deaths || !node.startError().empty()) {
      if (attempt < 5 && node.disk().faults.death > 0) continue;
      outcome.failure = "did not start again: " + node.startError();
      return false;
    }
    world.runFor(world.random().between(kMs, kSecond));
  }
  outcome.failure = "did not start again";
  return false;
}

void runAof(SimWorld& world, Outcome& outcome, bool always) {
  SimRandom& random = world.random();
  SimNetwork network(world);
  network.faults = drawNetworkFaults(random);
  SimNode node(world, network, "node", "10.0.0.1", 1 + random.below(4));
  node.configuration = {{"save", ""}, {"appendonly", "yes"}, {"appendfsync", always ? "always" : "everysec"}};
  if (random.chance(0.3)) node.configuration.push_back({"aof-use-rdb-preamble", "no"});
  if (random.chance(0.5)) {
    node.configuration.push_back({"auto-aof-rewrite-percentage", "50"});
    node.configuration.push_back({"auto-aof-rewrite-min-size", "1500"});
  }
  if (!node.startAndLoad()) {
    outcome.failure = "did not start: " + node.startError();
    return;
  }
  MixedWorkload::Mix mix;
  mix.groups = 1 + random.below(4);
  mix.expiry = false;
  mix.refusals = true;
  Clients clients(world, network, 3 + random.below(5), mix, [&](int) { return node.address(); });
  clients.start();
  for (uint64_t life = 0, lives = 2 + random.below(4); life < lives && !outcome.failure; ++life) {
    node.disk().faults = drawDiskFaults(random, node.disk());
    size_t answers = clients.workload().answered() + (20 + random.below(60)) * mix.groups;
    size_t deaths = node.deaths();
    world.runUntil([&] { return clients.workload().answered() >= answers || node.deaths() != deaths; }, 4 * kSecond);
    if (random.chance(0.2)) node.pause(random.between(kMs, kSecond));
    world.runFor(random.below(50 * kMs));
    clients.hold();
    node.kill(random.chance(0.5) ? Death::kPowerLoss : Death::kKill);
    SimTime death = node.lastDeath();
    bool power = node.lostPower();
    if (random.chance(0.7)) node.disk().faults = DiskFaults{};
    if (!revive(world, node, outcome)) break;
    node.disk().faults = DiskFaults{};
    Window when{death, death};
    if (!always && power) when.from = death > 2 * kSecond ? death - 2 * kSecond : 0;
    clients.checkRecovery(node.address(), death, when, outcome);
    clients.release();
  }
  network.heal();
  clients.finish();
  clients.check(outcome);
}

}  // namespace

void runAlwaysScenario(SimWorld& world, Outcome& outcome) { runAof(world, outcome, true); }
void runEverysecScenario(SimWorld& world, Outcome& outcome) { runAof(world, outcome, false); }

}  // namespace vigil::sim
