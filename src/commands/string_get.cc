// The string commands that read a value, and the two that read it and change its life: GET, MGET, STRLEN, GETDEL,
// GETEX.
#include <optional>
#include <string>

#include "base/text.h"
#include "command/args.h"
#include "command/spec.h"
#include "commands/string_access.h"
#include "commands/string_commands.h"
#include "commands/string_expiry.h"

namespace vigil::commands {

namespace {

using namespace command;  // NOLINT(google-build-using-namespace): the rows name many of its flags
using keyspace::KeyRef;

void getCommand(Context& context) {
  const auto found = findString(context, context.key(1));
  if (found.refused()) return;
  if (found.entry == nullptr) return context.reply().null();
  replyString(context.reply(), *found.entry);
}

// A key of another type counts as absent.
void mgetCommand(Context& context) {
  context.reply().array(context.argc() - 1);
  for (size_t i = 1; i < context.argc(); ++i) {
    const keyspace::Entry* entry = context.db().find(context.key(i));
    if (entry == nullptr || !entry->isString()) {
      context.reply().null();
    } else {
      replyString(context.reply(), *entry);
    }
  }
}

void strlenCommand(Context& context) {
  const auto found = findString(context, context.key(1));
  if (found.refused()) return;
  context.reply().integer(found.entry != nullptr ? static_cast<int64_t>(found.entry->stringSize()) : 0);
}

void deleteKey(Context& context, const KeyRef& key) {
  context.db().erase(key);
  context.propagate({"DEL", key.name});
  context.changed(key, EventClass::kGeneric, "del");
}

void getdelCommand(Context& context) {
  const KeyRef key = context.key(1);
  const auto found = findString(context, key);
  if (found.refused()) return;
  if (found.entry == nullptr) return context.reply().null();
  replyString(context.reply(), *found.entry);
  deleteKey(context, key);
}

void getexCommand(Context& context) {
  ExpiryOptions options(ExpiryOptions::Extra::kPersist);
  for (ArgCursor args(context, 2); !args.done();) {
    if (!options.take(args)) {
      args.syntaxError();
      return;
    }
  }
  const KeyRef key = context.key(1);
  const auto found = findString(context, key);
  if (found.refused()) return;
  if (found.entry == nullptr) return context.reply().null();
  std::optional<UnixMs> at;
  if (options.hasExpiry() && !(at = options.expireAt(context))) return;
  replyString(context.reply(), *found.entry);
  if (at && *at <= context.now() && !context.session().follows()) {
    deleteKey(context, key);
  } else if (at) {
    context.db().setExpire(key, *at);
    context.propagate({"PEXPIREAT", key.name, DecimalText(*at).view()});
    context.changed(key, EventClass::kGeneric, "expire");
  } else if (options.extra() && context.db().persist(key)) {
    context.propagate({"PERSIST", key.name});
    context.changed(key, EventClass::kGeneric, "persist");
  }
}

constexpr KeySpec kGetKeys[] = {{.flags = kKeyRO | kKeyAccess}};
constexpr KeySpec kMgetKeys[] = {{.flags = kKeyRO | kKeyAccess, .last = -1}};
constexpr std::string_view kMgetTips[] = {"request_policy:multi_shard"};
constexpr KeySpec kGetdelKeys[] = {{.flags = kKeyRW | kKeyAccess | kKeyDelete}};
constexpr KeySpec kGetexKeys[] = {
    {.flags = kKeyRW | kKeyAccess | kKeyUpdate, .notes = "RW and UPDATE because it changes the TTL"}};
constexpr KeySpec kStrlenKeys[] = {{.flags = kKeyRO}};

constexpr CommandSpec kCommands[] = {
    {.name = "get",
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kCatString,
     .keys = kGetKeys,
     .handler = getCommand,
     .group = "string",
     .since = "1.0.0",
     .summary = "Get the value of a key",
     .complexity = "O(1)",
     .arguments = "key"},
    {.name = "mget",
     .arity = -2,
     .flags = kReadonly | kFast,
     .categories = kCatString,
     .keys = kMgetKeys,
     .handler = mgetCommand,
     .group = "string",
     .since = "1.0.0",
     .summary = "Get the values of all the given keys",
     .complexity = "O(N) where N is the number of keys to retrieve.",
     .tips = kMgetTips,
     .arguments = "key+"},
    {.name = "getdel",
     .arity = 2,
     .flags = kWrite | kFast,
     .categories = kCatString,
     .keys = kGetdelKeys,
     .handler = getdelCommand,
     .group = "string",
     .since = "6.2.0",
     .summary = "Get the value of a key and delete the key",
     .complexity = "O(1)",
     .arguments = "key"},
    {.name = "getex",
     .arity = -2,
     .flags = kWrite | kFast,
     .categories = kCatString,
     .keys = kGetexKeys,
     .handler = getexCommand,
     .group = "string",
     .since = "6.2.0",
     .summary = "Get the value of a key and optionally set its expiration",
     .complexity = "O(1)",
     .arguments = "key "
                  "[expiration:(seconds:integer=EX|milliseconds:integer=PX|unix-time-seconds:unix-time=EXAT|unix-time-"
                  "milliseconds:unix-time=PXAT|PERSIST)]"},
    {.name = "strlen",
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kCatString,
     .keys = kStrlenKeys,
     .handler = strlenCommand,
     .group = "string",
     .since = "2.2.0",
     .summary = "Get the length of the value stored in a key",
     .complexity = "O(1)",
     .arguments = "key"},
};

}  // namespace

std::span<const command::CommandSpec> stringReadCommands() { return kCommands; }

}  // namespace vigil::commands
