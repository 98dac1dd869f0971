#pragma once

#include "sim/scenario.h"

namespace vigil::sim {

void runSentinelScenario(SimWorld& world, Outcome& outcome);
// Users force failovers amid all that, of which two can end in one epoch.
void runSentinelForcedScenario(SimWorld& world, Outcome& outcome);

}  // namespace vigil::sim
