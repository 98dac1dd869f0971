// A cluster of three or four masters, each with one or two replicas, and clients that write to it. Nodes die, lose
// power, pause and come back with what their disk holds; some are cut off, in one direction or both; failovers are
// asked for by hand, slots moved key by key, and clocks set in the middle of it. What nodes say on the bus is watched for what must never be said. Then
// everything heals: all nodes must come to one view that covers all slots, every replica hold what its master holds,
// and clients be served.
//
// In the second scenario nothing fails; roles are changed by hand only: then nothing acknowledged may be
// missing.
//
// In two more, slots move atomically: amid the same trouble, when each migration must come to an end, with every key where
// its slot is and nowhere else; and without any, but for hand-overs, when nothing acknowledged may be missing.
#include "sim/scenario_cluster.h"

#include "sim/cluster_run.h"

namespace vigil::sim {

namespace {

void runCluster(SimWorld& world, Outcome& outcome, ClusterRun::Moves moves, void (ClusterRun::*meanwhile)(),
                bool nothingMayBeMissing) {
  ClusterRun run(world, outcome, moves);
  if (run.form()) {
    (run.*meanwhile)();
    if (!outcome.failure) run.settle();
    run.checkLists(nothingMayBeMissing);
  }
  run.finish();
}

}  // namespace

void runClusterScenario(SimWorld& world, Outcome& outcome) {
  runCluster(world, outcome, ClusterRun::Moves::kByKey, &ClusterRun::trouble, false);
}

void runClusterByHandScenario(SimWorld& world, Outcome& outcome) {
  runCluster(world, outcome, ClusterRun::Moves::kByKey, &ClusterRun::changeRolesByHand, true);
}

void runClusterMovesScenario(SimWorld& world, Outcome& outcome) {
  runCluster(world, outcome, ClusterRun::Moves::kAtomic, &ClusterRun::trouble, false);
}

void runClusterMovesInPeaceScenario(SimWorld& world, Outcome& outcome) {
  runCluster(world, outcome, ClusterRun::Moves::kAtomic, &ClusterRun::moveSlotsInPeace, true);
}

}  // namespace vigil::sim
