// EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT: giving keys a time to live.
#include <algorithm>
#include <optional>
#include <string>

#include "command/args.h"
#include "command/context.h"
#include "command/spec.h"
#include "commands/keys_commands.h"
#include "keyspace/database.h"

namespace vigil::commands {

using command::ArgCursor;
using command::CommandSpec;
using command::Context;
using command::EventClass;
using command::ExpireForm;
using command::KeySpec;

namespace {

// When a time to live is set; several may be given, all must hold.
struct Conditions {
  bool ifNone = false;     // NX
  bool ifAny = false;      // XX
  bool ifGreater = false;  // GT; none counts as infinite
  bool ifLess = false;     // LT

  bool hold(UnixMs current, UnixMs next) const {
    const bool none = current == 0;
    return !(ifNone && !none) && !(ifAny && none) && !(ifGreater && (none || next <= current)) &&
           !(ifLess && !none && next >= current);
  }
};

std::optional<Conditions> parseConditions(Context& context) {
  Conditions conditions;
  ArgCursor args(context, 3);
  while (!args.done()) {
    if (args.take("NX")) {
      conditions.ifNone = true;
    } else if (args.take("XX")) {
      conditions.ifAny = true;
    } else if (args.take("GT")) {
      conditions.ifGreater = true;
    } else if (args.take("LT")) {
      conditions.ifLess = true;
    } else {
      args.fail("ERR Unsupported option " + std::string(args.peek()));
      return std::nullopt;
    }
  }
  if (conditions.ifNone && (conditions.ifAny || conditions.ifGreater || conditions.ifLess)) {
    args.fail("ERR NX and XX, GT or LT options at the same time are not compatible");
    return std::nullopt;
  }
  if (conditions.ifGreater && conditions.ifLess) {
    args.fail("ERR GT and LT options at the same time are not compatible");
    return std::nullopt;
  }
  return conditions;
}

// A moment in the past deletes the key at once; but a master's stream and a file being loaded are followed to the
// letter, and deletions are the master's.
void expireKey(Context& context, const keyspace::KeyRef& key, UnixMs at) {
  if (at <= context.now() && context.db().expiryMode() == keyspace::ExpiryMode::kDelete) {
    context.db().erase(key, true);
    context.changed(key, EventClass::kGeneric, "del");
    context.propagate({"DEL", key.name});
    return;
  }
  context.db().setExpire(key, std::max<UnixMs>(at, 1));  // 0 would mean never
  context.changed(key, EventClass::kGeneric, "expire");
  context.propagate({"PEXPIREAT", key.name, std::to_string(at)});
}

template <ExpireForm kForm>
void expire(Context& context) {
  const auto conditions = parseConditions(context);
  if (!conditions) return;
  const auto at = command::parseExpire(context, context.arg(2), kForm, true);
  if (!at) return;
  const auto key = context.key(1);
  const auto* entry = context.db().findForWrite(key);
  if (entry == nullptr || !conditions->hold(entry->expireAt(), *at)) return context.reply().integer(0);
  expireKey(context, key, *at);
  context.reply().integer(1);
}

constexpr KeySpec kExpireKeys[] = {{.flags = command::kKeyRW | command::kKeyUpdate}};
constexpr std::string_view kExpireHistory[] = {"7.0.0|Added options: `NX`, `XX`, `GT` and `LT`."};

constexpr CommandSpec kCommands[] = {
    {.name = "expire",
     .arity = -3,
     .flags = command::kWrite | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kExpireKeys,
     .handler = expire<ExpireForm::kSeconds>,
     .group = "generic",
     .since = "1.0.0",
     .summary = "Set a key's time to live in seconds",
     .complexity = "O(1)",
     .history = kExpireHistory,
     .arguments = "key seconds:integer [condition:(NX|XX|GT|LT)@7.0.0]"},
    {.name = "pexpire",
     .arity = -3,
     .flags = command::kWrite | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kExpireKeys,
     .handler = expire<ExpireForm::kMilliseconds>,
     .group = "generic",
     .since = "2.6.0",
     .summary = "Set a key's time to live in milliseconds",
     .complexity = "O(1)",
     .history = kExpireHistory,
     .arguments = "key milliseconds:integer [condition:(NX|XX|GT|LT)@7.0.0]"},
    {.name = "expireat",
     .arity = -3,
     .flags = command::kWrite | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kExpireKeys,
     .handler = expire<ExpireForm::kUnixSeconds>,
     .group = "generic",
     .since = "1.2.0",
     .summary = "Set the expiration for a key as a UNIX timestamp",
     .complexity = "O(1)",
     .history = kExpireHistory,
     .arguments = "key unix-time-seconds:unix-time [condition:(NX|XX|GT|LT)@7.0.0]"},
    {.name = "pexpireat",
     .arity = -3,
     .flags = command::kWrite | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kExpireKeys,
     .handler = expire<ExpireForm::kUnixMilliseconds>,
     .group = "generic",
     .since = "2.6.0",
     .summary = "Set the expiration for a key as a UNIX timestamp specified in milliseconds",
     .complexity = "O(1)",
     .history = kExpireHistory,
     .arguments = "key unix-time-milliseconds:unix-time [condition:(NX|XX|GT|LT)@7.0.0]"},
};

}  // namespace

std::span<const CommandSpec> keyExpireCommands() { return kCommands; }

}  // namespace vigil::commands
