// A master with two to four replicas, some behind others, whose roles change under load: FAILOVER in all its forms, a
// master that dies and for which an administrator promotes a replica, power that fails everywhere, replicas that are
// sent to follow another. Links are cut, silent and slow all the while; replicas die and pause.
//
// What clients were promised holds. A write that was answered outlives every FAILOVER without FORCE; one that WAIT
// found on k of R replicas is there after the master's death if the best of any R - k + 1 of them is promoted; what
// WAITAOF found on disks outlives the loss of all power likewise. Nobody ever shows what no master held, or goes back
// without a full resync. Then everything heals, and all hold the master's data.
#include "sim/scenario_roles.h"

#include "sim/roles.h"

namespace vigil::sim {

void runRolesScenario(SimWorld& world, Outcome& outcome) {
  Roles roles(world, outcome);
  if (!roles.start()) return;
  roles.load();
  roles.settle();
}

}  // namespace vigil::sim
