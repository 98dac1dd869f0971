// sentinel.conf: the lines `sentinel …` in, and what a Sentinel must not forget out.
#pragma once

#include <expected>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/config_rewrite.h"
#include "sentinel/step.h"

namespace vigil::sentinel {

// The words of one line, without `sentinel`.
using ConfigLine = std::vector<std::string>;

struct LoadProblem {
  size_t number = 0;  // of the line among those given
  std::string line;
  std::string problem;
};

// Whether a script is there and may be run.
using IsExecutable = std::function<bool(const std::string&)>;

// Takes all lines, in Redis's order whatever theirs: first what is said of ourselves, then the masters, then of those.
std::expected<void, LoadProblem> loadLines(Step& step, std::span<const ConfigLine> lines,
                                           const IsExecutable& isExecutable);

// All lines as of now.
std::vector<RewriteOption> stateLines(const State& state);

}  // namespace vigil::sentinel
