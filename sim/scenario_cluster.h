#pragma once

#include "sim/scenario.h"

namespace vigil::sim {

void runClusterScenario(SimWorld& world, Outcome& outcome);
void runClusterByHandScenario(SimWorld& world, Outcome& outcome);

}  // namespace vigil::sim
