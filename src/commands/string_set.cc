// The string commands that overwrite whole values: SET and its older spellings, MSET, MSETNX.
#include <optional>
#include <string>
#include <vector>

#include "command/args.h"
#include "command/spec.h"
#include "commands/string_access.h"
#include "commands/string_commands.h"
#include "commands/string_expiry.h"

namespace vigil::commands {

namespace {

using namespace command;  // NOLINT(google-build-using-namespace): the rows name many of its flags
using keyspace::Database;
using keyspace::KeyRef;

struct SetOptions {
  enum class Condition : uint8_t { kAlways, kIfAbsent, kIfPresent };
  Condition condition = Condition::kAlways;
  bool get = false;
  ExpiryOptions expiry{ExpiryOptions::Extra::kKeepTtl};
};

// False: a syntax error was replied.
bool parseSetOptions(Context& context, SetOptions& options) {
  using Condition = SetOptions::Condition;
  for (ArgCursor args(context, 3); !args.done();) {
    if (options.condition != Condition::kIfPresent && args.take("NX")) {
      options.condition = Condition::kIfAbsent;
    } else if (options.condition != Condition::kIfAbsent && args.take("XX")) {
      options.condition = Condition::kIfPresent;
    } else if (args.take("GET")) {
      options.get = true;
    } else if (!options.expiry.take(args)) {
      return args.syntaxError();
    }
  }
  return true;
}

// Sets a value with a moment to expire at, as the log knows it. One that has passed is taken as well: the key goes as
// every key whose time has come.
void setUntil(Context& context, const KeyRef& key, std::string_view value, UnixMs at) {
  context.db().setString(key, value, Database::Ttl::kClear, at);
  context.propagate({"SET", key.name, value, "PXAT", DecimalText(at).view()});
  context.changed(key, EventClass::kString, "set");
  context.event(EventClass::kGeneric, "expire", key);
}

// Whoever follows the log wants no reply.
void propagateWithoutGet(Context& context) {
  std::vector<std::string_view> words;
  for (size_t i = 0; i < context.argc(); ++i) {
    if (i < 3 || !equalsIgnoreCase(context.arg(i), "GET")) words.push_back(context.arg(i));
  }
  context.propagate(words);
}

void setWithOptions(Context& context) {
  SetOptions options;
  if (!parseSetOptions(context, options)) return;
  std::optional<UnixMs> at;
  if (options.expiry.hasExpiry() && !(at = options.expiry.expireAt(context))) return;
  const KeyRef key = context.key(1);
  Reply& reply = context.reply();
  bool present = false;
  if (options.get) {
    const auto found = findString(context, key);
    if (found.refused()) return;
    present = found.entry != nullptr;
    if (present) {
      replyString(reply, *found.entry);
    } else {
      reply.null();
    }
  } else if (options.condition != SetOptions::Condition::kAlways) {
    present = context.db().findForWrite(key) != nullptr;
  }
  if ((options.condition == SetOptions::Condition::kIfAbsent && present) ||
      (options.condition == SetOptions::Condition::kIfPresent && !present)) {
    if (!options.get) reply.null();
    return;
  }
  if (at) {
    setUntil(context, key, context.arg(2), *at);
  } else {
    context.db().setString(key, context.arg(2), options.expiry.extra() ? Database::Ttl::kKeep : Database::Ttl::kClear);
    if (options.get) propagateWithoutGet(context);
    context.changed(key, EventClass::kString, "set");
  }
  if (!options.get) reply.ok();
}

void setCommand(Context& context) {
  if (context.argc() > 3) return setWithOptions(context);
  const KeyRef key = context.key(1);
  context.db().setString(key, context.arg(2));
  context.changed(key, EventClass::kString, "set");
  context.reply().ok();
}

// With GET the key is read too, which only the arguments tell.
bool findSetKeys(std::span<const std::string_view> args, std::vector<KeyPosition>& keys) {
  uint32_t flags = kKeyOW | kKeyUpdate;
  for (size_t i = 3; i < args.size(); ++i) {
    if (equalsIgnoreCase(args[i], "GET")) flags = kKeyRW | kKeyAccess | kKeyUpdate;
  }
  if (args.size() > 1) keys.push_back({1, flags});
  return args.size() > 1;
}

void setnxCommand(Context& context) {
  const KeyRef key = context.key(1);
  if (context.db().findForWrite(key) != nullptr) return context.reply().integer(0);
  context.db().setString(key, context.arg(2));
  context.changed(key, EventClass::kString, "set");
  context.reply().integer(1);
}

template <ExpireForm kForm>
void setexCommand(Context& context) {
  const auto at = parseExpire(context, context.arg(2), kForm, false);
  if (!at) return;
  setUntil(context, context.key(1), context.arg(3), *at);
  context.reply().ok();
}

void getsetCommand(Context& context) {
  const KeyRef key = context.key(1);
  const auto found = findString(context, key);
  if (found.refused()) return;
  if (found.entry != nullptr) {
    replyString(context.reply(), *found.entry);
  } else {
    context.reply().null();
  }
  context.db().setString(key, context.arg(2));
  context.propagate({"SET", key.name, context.arg(2)});
  context.changed(key, EventClass::kString, "set");
}

bool hasPairs(Context& context) {
  if (context.argc() % 2 == 1) return true;
  context.reply().error("ERR wrong number of arguments for '" + std::string(context.spec().name) + "' command");
  return false;
}

void setPairs(Context& context) {
  for (size_t i = 1; i < context.argc(); i += 2) {
    const KeyRef key = context.key(i);
    context.db().setString(key, context.arg(i + 1));
    context.changed(key, EventClass::kString, "set");
  }
}

void msetCommand(Context& context) {
  if (!hasPairs(context)) return;
  setPairs(context);
  context.reply().ok();
}

void msetnxCommand(Context& context) {
  if (!hasPairs(context)) return;
  for (size_t i = 1; i < context.argc(); i += 2) {
    if (context.db().findForWrite(context.key(i)) != nullptr) return context.reply().integer(0);
  }
  setPairs(context);
  context.reply().integer(1);
}

constexpr KeySpec kSetKeys[] = {{.flags = kKeyRW | kKeyAccess | kKeyUpdate | kKeyVariableFlags,
                                 .notes = "RW and ACCESS due to the optional `GET` argument"}};
constexpr std::string_view kSetHistory[] = {"2.6.12|Added the `EX`, `PX`, `NX` and `XX` options.",
                                            "6.0.0|Added the `KEEPTTL` option.",
                                            "6.2.0|Added the `GET`, `EXAT` and `PXAT` option.",
                                            "7.0.0|Allowed the `NX` and `GET` options to be used together."};
constexpr KeySpec kSetnxKeys[] = {{.flags = kKeyOW | kKeyInsert}};
constexpr KeySpec kSetexKeys[] = {{.flags = kKeyOW | kKeyUpdate}};
constexpr KeySpec kMsetKeys[] = {{.flags = kKeyOW | kKeyUpdate, .last = -1, .step = 2}};
constexpr std::string_view kMsetTips[] = {"request_policy:multi_shard", "response_policy:all_succeeded"};
constexpr KeySpec kMsetnxKeys[] = {{.flags = kKeyOW | kKeyInsert, .last = -1, .step = 2}};
constexpr std::string_view kMsetnxTips[] = {"request_policy:multi_shard", "response_policy:agg_min"};
constexpr KeySpec kGetsetKeys[] = {{.flags = kKeyRW | kKeyAccess | kKeyUpdate}};

constexpr CommandSpec kCommands[] = {
    {.name = "set",
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .categories = kCatString,
     .keys = kSetKeys,
     .handler = setCommand,
     .findKeys = findSetKeys,
     .group = "string",
     .since = "1.0.0",
     .summary = "Set the string value of a key",
     .complexity = "O(1)",
     .history = kSetHistory,
     .arguments = "key value [condition:(NX|XX)@2.6.12] [GET@6.2.0] "
                  "[expiration:(seconds:integer=EX@2.6.12|milliseconds:integer=PX@2.6.12|unix-time-seconds:unix-time="
                  "EXAT@6.2.0|unix-time-milliseconds:unix-time=PXAT@6.2.0|KEEPTTL@6.0.0)]"},
    {.name = "setnx",
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kCatString,
     .keys = kSetnxKeys,
     .handler = setnxCommand,
     .group = "string",
     .since = "1.0.0",
     .summary = "Set the value of a key, only if the key does not exist",
     .complexity = "O(1)",
     .arguments = "key value"},
    {.name = "setex",
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .categories = kCatString,
     .keys = kSetexKeys,
     .handler = setexCommand<ExpireForm::kSeconds>,
     .group = "string",
     .since = "2.0.0",
     .summary = "Set the value and expiration of a key",
     .complexity = "O(1)",
     .arguments = "key seconds:integer value"},
    {.name = "psetex",
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .categories = kCatString,
     .keys = kSetexKeys,
     .handler = setexCommand<ExpireForm::kMilliseconds>,
     .group = "string",
     .since = "2.6.0",
     .summary = "Set the value and expiration in milliseconds of a key",
     .complexity = "O(1)",
     .arguments = "key milliseconds:integer value"},
    {.name = "mset",
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .categories = kCatString,
     .keys = kMsetKeys,
     .handler = msetCommand,
     .group = "string",
     .since = "1.0.1",
     .summary = "Set multiple keys to multiple values",
     .complexity = "O(N) where N is the number of keys to set.",
     .tips = kMsetTips,
     .arguments = "key_value:<key value>+"},
    {.name = "msetnx",
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .categories = kCatString,
     .keys = kMsetnxKeys,
     .handler = msetnxCommand,
     .group = "string",
     .since = "1.0.1",
     .summary = "Set multiple keys to multiple values, only if none of the keys exist",
     .complexity = "O(N) where N is the number of keys to set.",
     .tips = kMsetnxTips,
     .arguments = "key_value:<key value>+"},
    {.name = "getset",
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kCatString,
     .keys = kGetsetKeys,
     .handler = getsetCommand,
     .group = "string",
     .since = "1.0.0",
     .summary = "Set the string value of a key and return its old value",
     .complexity = "O(1)",
     .deprecatedSince = "6.2.0",
     .replacedBy = "`SET` with the `!GET` argument",
     .arguments = "key value"},
};

}  // namespace

std::span<const command::CommandSpec> stringSetCommands() { return kCommands; }

}  // namespace vigil::commands
