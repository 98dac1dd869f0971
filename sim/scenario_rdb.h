#pragma once

#include "sim/scenario.h"

namespace vigil::sim {

void runRdbScenario(SimWorld& world, Outcome& outcome);

}  // namespace vigil::sim
