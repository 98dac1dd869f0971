#include "engine/engine_config.h"

#include <algorithm>
#include <climits>

#include "base/config.h"
#include "command/context.h"
#include "engine/options.h"

namespace vigil::engine {

namespace {

struct EventBit {
  int option;
  command::EventClass eventClass;
};
constexpr EventBit kEventBits[] = {
    {keyspaceEvent::kGeneric, command::EventClass::kGeneric},  {keyspaceEvent::kString, command::EventClass::kString},
    {keyspaceEvent::kList, command::EventClass::kList},        {keyspaceEvent::kSet, command::EventClass::kSet},
    {keyspaceEvent::kHash, command::EventClass::kHash},        {keyspaceEvent::kSortedSet, command::EventClass::kZset},
    {keyspaceEvent::kExpired, command::EventClass::kExpired},  {keyspaceEvent::kEvicted, command::EventClass::kEvicted},
    {keyspaceEvent::kStream, command::EventClass::kStream},    {keyspaceEvent::kKeyMiss, command::EventClass::kKeyMiss},
    {keyspaceEvent::kNew, command::EventClass::kNew},
};

// One argument's size fits into 32 bits, also with what stands around it in a list or in the log.
constexpr int64_t kLongestBulk = (int64_t{4} << 30) - (int64_t{1} << 20);

}  // namespace

void Options::notifyEventsChanged() {
  const int events = notifyEvents.load();
  uint32_t wants = 0;
  for (const EventBit& known : kEventBits) {
    if (events & known.option) wants |= static_cast<uint32_t>(known.eventClass);
  }
  if (events & keyspaceEvent::kKeyspace) wants |= Audience::kKeyspaceChannels;
  if (events & keyspaceEvent::kKeyevent) wants |= Audience::kKeyeventChannels;
  constexpr uint32_t kChannels = Audience::kKeyspaceChannels | Audience::kKeyeventChannels;
  if ((wants & kChannels) == 0) wants = 0;  // they would go nowhere
  audience.set(Audience::kEventClasses | kChannels, wants);
}

void registerOptions(ConfigRegistry& registry, Options& options) {
  registry.add({.name = "proto-max-bulk-len"}, memoryOption(options.maxBulk, 1 << 20, kLongestBulk));
  registry.add({.name = "client-query-buffer-limit"}, memoryOption(options.queryBufferLimit, 1 << 20));
  options.memory.addTo(registry);
  registry.add({.name = "maxclients",
                .apply = [&options] { return options.maxClientsChanged ? options.maxClientsChanged() : Status(); }},
               integerOption(options.maxClients, {1, UINT_MAX}));
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
  registry.add({.name = "lazyfree-lazy-expire"}, boolOption(options.lazyFreeing.expire));
  registry.add({.name = "lazyfree-lazy-server-del"}, boolOption(options.lazyFreeing.serverDelete));
  registry.add({.name = "maxmemory-clients",
                .apply =
                    [&options] {
                      if (options.clientMemoryChanged) options.clientMemoryChanged();
                      return Status();
                    }},
               integerOption(options.clientMemory, {.form = IntegerForm::kPercentOrMemory}));
  const std::vector<EnumName> permissions = {{"no", static_cast<int>(Permission::kNobody)},
                                             {"yes", static_cast<int>(Permission::kAnybody)},
                                             {"local", static_cast<int>(Permission::kLocal)}};
  registry.add({.name = "enable-debug-command", .immutable = true}, enumOption(options.debugCommand, permissions));
  registry.add({.name = "enable-protected-configs", .immutable = true},
               enumOption(options.protectedConfigs, permissions));
  options.keys.addTo(registry);
  options.lists.addTo(registry);
  options.monitoring.addTo(registry);
  registry.add({.name = "bind-source-addr"}, stringOption(options.outgoing.sourceAddress));
  registry.add({.name = "socket-mark-id", .immutable = true}, integerOption(options.outgoing.markId, {0, UINT_MAX}));
  registry.add({.name = "client-output-buffer-limit"}, outputBufferLimitsOption(options.outputLimits));
  registry.add({.name = "tracking-table-max-keys"}, integerOption(options.trackedKeys, {.min = 0}));
  options.acl.addTo(registry);
  registry.add({.name = "notify-keyspace-events",
                .apply =
                    [&options] {
                      options.notifyEventsChanged();
                      return Status();
                    }},
               keyspaceEventsOption(options.notifyEvents));
}

}  // namespace vigil::engine
