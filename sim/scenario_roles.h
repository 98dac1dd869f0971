#pragma once

#include "sim/scenario.h"

namespace vigil::sim {

void runRolesScenario(SimWorld& world, Outcome& outcome);

}  // namespace vigil::sim
