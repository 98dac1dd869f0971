#pragma once

#include "sim/scenario.h"

namespace vigil::sim {

void runEngineScenario(SimWorld& world, Outcome& outcome);

}  // namespace vigil::sim
