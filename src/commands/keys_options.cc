#include "commands/keys_options.h"

#include "base/config.h"

namespace vigil::commands {

void KeyOptions::addTo(ConfigRegistry& registry) {
  registry.add({.name = "lazyfree-lazy-user-del"}, boolOption(lazyUserDelete));
  registry.add({.name = "lazyfree-lazy-user-flush"}, boolOption(lazyUserFlush));
}

}  // namespace vigil::commands
