// What base/simulation.h asks, answered: which bug is planted, and how often locks seem busy. One run at a time sets
// them; they are the simulator's only state outside a run's objects, for the hooks have no object to ask.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/simulation.h"

namespace vigil::sim {

class SimRandom;

struct PlantedBugRow {
  PlantedBug bug;
  std::string_view name;
  std::string_view scenario;  // where it shows
};
const std::vector<PlantedBugRow>& plantedBugs();

void plant(PlantedBug bug);

// While it lives, locks seem busy with this probability, drawn from `random`.
class BusyLocks {
 public:
  BusyLocks(SimRandom& random, double probability);
  ~BusyLocks();
};

}  // namespace vigil::sim
