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

// Starts the node, which may die or give up on a disk that fails while it loads; without faults it must serve.
bool revive(SimWorld& world, SimNode& node, Outcome& outcome) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (node.startAndLoad()) return true;
    world.runFor(world.random().between(kMs, kSecond));
  }
  node.disk().faults = DiskFaults{};
  if (node.startAndLoad()) return true;
  outcome.failure = "did not start again: " + node.startError();
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
    // The thread that writes and syncs lags behind: what must wait for it waits long. (With everysec only what is written
    // while a sync is under way waits for it, so it has to lag more for a reply to have a chance to be too early.)
    if (random.chance(0.5)) node.process().taskSlowness = always ? random.between(2, 20) : random.between(2, 200);
    size_t answers = clients.workload().answered() + (20 + random.below(60)) * mix.groups;
    size_t deaths = node.deaths();
    world.runUntil([&] { return clients.workload().answered() >= answers || node.deaths() != deaths; }, 4 * kSecond);
    // Half of the deaths come in the very moment of an answer: what it says must be true by then.
    if (random.chance(0.5)) {
      if (random.chance(0.2)) node.pause(random.between(kMs, kSecond));
      world.runFor(random.below(50 * kMs));
    }
    clients.hold();
    node.kill(random.chance(0.5) ? Death::kPowerLoss : Death::kKill);
    SimTime death = node.lastDeath();
    if (random.chance(0.7)) node.disk().faults = DiskFaults{};
    if (!revive(world, node, outcome)) break;
    node.disk().faults = DiskFaults{};
    const Window when = always ? Window{death, death} : node.recoveredWithoutAlways();
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
