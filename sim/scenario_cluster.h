#pragma once

#include "sim/scenario.h"

namespace vigil::sim {

void runClusterScenario(SimWorld& world, Outcome& outcome);
void runClusterByHandScenario(SimWorld& world, Outcome& outcome);
void runClusterMovesScenario(SimWorld& world, Outcome& outcome);
void runClusterMovesInPeaceScenario(SimWorld& world, Outcome& outcome);

}  // namespace vigil::sim
