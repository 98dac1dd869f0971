#pragma once

#include "sim/scenario.h"

namespace vigil::sim {

void runSentinelScenario(SimWorld& world, Outcome& outcome);

}  // namespace vigil::sim
