// TTL, PTTL, EXPIRETIME, PEXPIRETIME, PERSIST: the time that keys have left.
#include <algorithm>

#include "command/context.h"
#include "command/spec.h"
#include "commands/keys_commands.h"
#include "keyspace/database.h"

namespace vigil::commands {

using command::CommandSpec;
using command::Context;
using command::EventClass;
using command::KeySpec;

namespace {

enum class From : uint8_t { kNow, kEpoch };
enum class Unit : uint8_t { kSeconds, kMilliseconds };

// -2: no such key, -1: it lives for ever. Seconds are rounded to the nearest.
template <From kFrom, Unit kUnit>
void timeToLive(Context& context) {
  auto& reply = context.reply();
  const auto* entry = context.db().findUntouched(context.key(1));
  if (entry == nullptr) return reply.integer(-2);
  if (!entry->hasExpire()) return reply.integer(-1);
  const UnixMs time = std::max<UnixMs>(entry->expireAt() - (kFrom == From::kNow ? context.now() : 0), 0);
  // Not (time + 500) / 1000, which overflows for the last moments there are.
  reply.integer(kUnit == Unit::kSeconds ? time / 1000 + (time % 1000 >= 500) : time);
}

void persist(Context& context) {
  const auto key = context.key(1);
  const bool had = context.db().persist(key);
  context.reply().integer(had);
  if (had) context.changed(key, EventClass::kGeneric, "persist");
}

constexpr KeySpec kTtlKeys[] = {{.flags = command::kKeyRO | command::kKeyAccess}};
constexpr std::string_view kTtlTips[] = {"nondeterministic_output"};
constexpr std::string_view kTtlHistory[] = {"2.8.0|Added the -2 reply."};
constexpr KeySpec kPersistKeys[] = {{.flags = command::kKeyRW | command::kKeyUpdate}};

constexpr CommandSpec kCommands[] = {
    {.name = "ttl",
     .arity = 2,
     .flags = command::kReadonly | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kTtlKeys,
     .handler = timeToLive<From::kNow, Unit::kSeconds>,
     .group = "generic",
     .since = "1.0.0",
     .summary = "Get the time to live for a key in seconds",
     .complexity = "O(1)",
     .tips = kTtlTips,
     .history = kTtlHistory,
     .arguments = "key"},
    {.name = "pttl",
     .arity = 2,
     .flags = command::kReadonly | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kTtlKeys,
     .handler = timeToLive<From::kNow, Unit::kMilliseconds>,
     .group = "generic",
     .since = "2.6.0",
     .summary = "Get the time to live for a key in milliseconds",
     .complexity = "O(1)",
     .tips = kTtlTips,
     .history = kTtlHistory,
     .arguments = "key"},
    {.name = "expiretime",
     .arity = 2,
     .flags = command::kReadonly | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kTtlKeys,
     .handler = timeToLive<From::kEpoch, Unit::kSeconds>,
     .group = "generic",
     .since = "7.0.0",
     .summary = "Get the expiration Unix timestamp for a key",
     .complexity = "O(1)",
     .arguments = "key"},
    {.name = "pexpiretime",
     .arity = 2,
     .flags = command::kReadonly | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kTtlKeys,
     .handler = timeToLive<From::kEpoch, Unit::kMilliseconds>,
     .group = "generic",
     .since = "7.0.0",
     .summary = "Get the expiration Unix timestamp for a key in milliseconds",
     .complexity = "O(1)",
     .arguments = "key"},
    {.name = "persist",
     .arity = 2,
     .flags = command::kWrite | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kPersistKeys,
     .handler = persist,
     .group = "generic",
     .since = "2.2.0",
     .summary = "Remove the expiration from a key",
     .complexity = "O(1)",
     .arguments = "key"},
};

}  // namespace

std::span<const CommandSpec> keyTtlCommands() { return kCommands; }

}  // namespace vigil::commands
