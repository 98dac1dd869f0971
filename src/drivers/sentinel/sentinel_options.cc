#include "drivers/sentinel/sentinel_options.h"

#include "base/config.h"

namespace vigil::drivers {

void SentinelOptions::addTo(ConfigRegistry& registry) {
  registry.addDirective({.name = "sentinel",
                         .minWords = 1,
                         .load = [this](std::span<const std::string> words) -> Status {
                           lines.emplace_back(words.begin(), words.end());
                           return {};
                         },
                         .rewrite = [this] { return stateLines ? stateLines() : std::vector<RewriteOption>(); }});
}

std::expected<void, sentinel::LoadProblem> SentinelOptions::check(const sentinel::IsExecutable& isExecutable) const {
  sentinel::State scratch;
  sentinel::Step step(scratch, 0);
  return sentinel::loadLines(step, lines, isExecutable);
}

}  // namespace vigil::drivers
