#include "drivers/node_options.h"

#include <climits>

#include "base/config.h"
#include "engine/engine_config.h"

namespace vigil::drivers {

void registerOptions(ConfigRegistry& registry, NodeOptions& options) {
  registry.add({.name = "databases", .immutable = true}, integerOption(options.databases, {1, INT_MAX}));
  registry.add({.name = "cluster-databases", .immutable = true}, integerOption(options.clusterDatabases, {1, INT_MAX}));
  engine::registerOptions(registry, options.engine);
  registerOptions(registry, options.rdb);
  registerOptions(registry, options.replication);
  options.aof.addTo(registry);
  registerOptions(registry, options.cluster);
}

}  // namespace vigil::drivers
