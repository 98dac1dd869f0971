// Three to seven Sentinels watch a master with one to three replicas, and clients that find the master through them
// write to it. Hosts are cut off from each other, in one direction or both, alone or in groups; servers and Sentinels
// die, and start again with what their disks hold; they pause, and their clocks run apart and jump. At no moment may
// the Sentinels do what sentinel_safety.h forbids. Then everything heals: all must agree on one master, all others must
// follow it, and a failover that its user asks for (COORDINATED) must lose nothing that was acknowledged since.
#include "sim/scenario_sentinel.h"

#include "sim/sentinel_deployment.h"

namespace vigil::sim {

namespace {

void run(SentinelDeployment& deployment) {
  if (!deployment.start()) return;
  deployment.makeTrouble();
  deployment.settle();
  deployment.handOver();
  deployment.finish();
}

}  // namespace

void runSentinelScenario(SimWorld& world, Outcome& outcome) {
  SentinelDeployment deployment(world, outcome);
  run(deployment);
}

void runSentinelForcedScenario(SimWorld& world, Outcome& outcome) {
  SentinelDeployment deployment(world, outcome);
  deployment.usersForce = true;
  run(deployment);
}

}  // namespace vigil::sim
