#include "engine/engine_config.h"

#include <algorithm>
#include <climits>

#include "base/config.h"
#include "engine/options.h"

namespace vigil::engine {

void registerOptions(ConfigRegistry& registry, Options& options) {
  registry.add({.name = "proto-max-bulk-len"}, memoryOption(options.maxBulk, 1 << 20));
  registry.add({.name = "client-query-buffer-limit"}, memoryOption(options.queryBufferLimit, 1 << 20));
  registry.add({.name = "maxmemory"}, memoryOption(options.maxMemory));
  registry.add({.name = "maxclients"}, integerOption(options.maxClients, {1, UINT_MAX}));
  registry.add({.name = "timeout"}, integerOption(options.idleTimeout, {0, INT_MAX}));
  registry.add({.name = "tcp-keepalive"}, integerOption(options.keepAlive, {0, INT_MAX}));
  // As in Redis, what lies outside the range is moved into it.
  registry.add({.name = "hz"}, integerOption({[&options] { return options.hz.load(); },
                                              [&options](int64_t hz) {
                                                options.hz.store(std::clamp<int64_t>(hz, 1, 500));
                                              }},
                                             {0, INT_MAX}));
  registry.add({.name = "protected-mode"}, boolOption(options.protectedMode));
  registry.add({.name = "active-expire-effort"}, integerOption(options.activeExpireEffort, {1, 10}));
  registry.add({.name = "lazyfree-lazy-expire"}, boolOption(options.lazyExpire));
  const std::vector<EnumName> permissions = {{"no", static_cast<int>(Permission::kNobody)},
                                             {"yes", static_cast<int>(Permission::kAnybody)},
                                             {"local", static_cast<int>(Permission::kLocal)}};
  registry.add({.name = "enable-debug-command", .immutable = true}, enumOption(options.debugCommand, permissions));
  registry.add({.name = "enable-protected-configs", .immutable = true},
               enumOption(options.protectedConfigs, permissions));
  options.keys.addTo(registry);
  options.lists.addTo(registry);
  options.monitoring.addTo(registry);
  registry.add({.name = "client-output-buffer-limit"}, outputBufferLimitsOption(options.outputLimits));
  registry.add({.name = "requirepass",
                .sensitive = true,
                .apply =
                    [&options] {
                      options.passwordChanged();
                      return Status();
                    }},
               stringOption(options.password));
}

}  // namespace vigil::engine
