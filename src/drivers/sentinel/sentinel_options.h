// The lines `sentinel …` of the configuration file: collected while it is read, taken by the core when all are there, and
// written anew from what the core knows.
#pragma once

#include <functional>
#include <vector>

#include "base/config_rewrite.h"
#include "sentinel/state_file.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::drivers {

struct SentinelOptions {
  std::vector<sentinel::ConfigLine> lines;
  std::function<std::vector<RewriteOption>()> stateLines;  // set by the running Sentinel

  void addTo(ConfigRegistry& registry);
  // When all lines are there: whether they make sense.
  std::expected<void, sentinel::LoadProblem> check(const sentinel::IsExecutable& isExecutable) const;
};

}  // namespace vigil::drivers
