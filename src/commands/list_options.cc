#include "commands/list_options.h"

#include <climits>

#include "base/config.h"

namespace vigil::commands {

void ListOptions::addTo(ConfigRegistry& registry) {
  registry.add({.name = "list-max-listpack-size", .alias = "list-max-ziplist-size"},
               integerOption(maxListpackSize, {.min = INT_MIN, .max = INT_MAX}));
}

}  // namespace vigil::commands
