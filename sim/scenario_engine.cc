// One node without persistence: what clients see of single commands, batches, transactions, blocking commands and
// expiry, with one to four workers, busy locks, pauses, and clients that come and go.
#include "sim/scenario_engine.h"

namespace vigil::sim {

void runEngineScenario(SimWorld& world, Outcome& outcome) {
  SimRandom& random = world.random();
  SimNetwork network(world);
  network.faults = drawNetworkFaults(random);
  SimNode node(world, network, "node", "10.0.0.1", 1 + random.below(4));
  if (!node.startAndLoad()) {
    outcome.failure = "did not start: " + node.startError();
    return;
  }
  MixedWorkload::Mix mix;
  mix.groups = 2 + random.below(5);
  Clients clients(world, network, 3 + random.below(6), mix, [&](int) { return node.address(); });
  clients.start();
  bool trouble = random.chance(0.4);
  if (trouble) {
    std::vector<std::pair<std::string, std::string>> links;
    for (const std::string& host : clients.hosts()) links.emplace_back(host, node.host());
    troubleLinks(world, network, std::move(links), 300 * kMs, 10 * kSecond);
  }
  for (uint64_t i = 0, pauses = random.below(3); i < pauses; ++i) {
    world.after(random.between(0, 3 * kSecond), [&node, &random] { node.pause(random.between(kMs, 500 * kMs)); });
  }
  letRun(world, clients, (60 + random.below(200)) * mix.groups, 12 * kSecond);
  world.trace("scenario", "heals");
  network.heal();
  clients.finish();
  clients.readEverything(node.address());
  clients.check(outcome);
}

}  // namespace vigil::sim
