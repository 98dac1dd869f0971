// The options of the generic key commands: their owner, given to the command table when they are registered.
//
// Thread safe: any thread may set a value, commands see it from then on.
#pragma once

#include <atomic>

namespace vigil {
class ConfigRegistry;
}

namespace vigil::commands {

struct KeyOptions {
  std::atomic<bool> lazyUserDelete{false};  // lazyfree-lazy-user-del: DEL frees as UNLINK does
  std::atomic<bool> lazyUserFlush{false};   // lazyfree-lazy-user-flush: FLUSHDB and FLUSHALL without an argument

  // Adds the rows of these options; they must outlive the registry.
  void addTo(ConfigRegistry& registry);
};

}  // namespace vigil::commands
