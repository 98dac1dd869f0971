#pragma once

#include "sim/scenario.h"

namespace vigil::sim {

void runAlwaysScenario(SimWorld& world, Outcome& outcome);
void runEverysecScenario(SimWorld& world, Outcome& outcome);

}  // namespace vigil::sim
