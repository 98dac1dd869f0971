#include "engine/debug/debug_registry.h"

#include <algorithm>

#include "base/text.h"
#include "engine/help_reply.h"

namespace vigil::engine {

const DebugRegistry::Subcommand* DebugRegistry::find(std::string_view name, size_t arguments) const {
  const auto found = std::ranges::find_if(subcommands_, [&](const Subcommand& each) {
    return equalsIgnoreCase(each.name, name) && arguments >= each.leastArguments && arguments <= each.mostArguments;
  });
  return found == subcommands_.end() ? nullptr : &*found;
}

void DebugRegistry::replyHelp(command::Reply& reply) const {
  std::vector<const Subcommand*> sorted;
  for (const Subcommand& each : subcommands_) sorted.push_back(&each);
  std::ranges::stable_sort(sorted, {}, &Subcommand::name);
  std::vector<std::string_view> lines;
  for (const Subcommand* each : sorted) lines.insert(lines.end(), each->help.begin(), each->help.end());
  engine::replyHelp(reply, "DEBUG", lines);
}

}  // namespace vigil::engine
