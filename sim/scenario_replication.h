#pragma once

#include "sim/scenario.h"

namespace vigil::sim {

void runReplicationScenario(SimWorld& world, Outcome& outcome);
void runMasterDiesScenario(SimWorld& world, Outcome& outcome);

}  // namespace vigil::sim
