// Numbers kept in strings: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.
#include <cmath>
#include <optional>
#include <string>

#include "base/text.h"
#include "command/spec.h"
#include "commands/string_access.h"
#include "commands/string_commands.h"

namespace vigil::commands {

namespace {

using namespace command;  // NOLINT(google-build-using-namespace): the rows name many of its flags
using keyspace::Database;
using keyspace::Entry;
using keyspace::KeyRef;

void incrementBy(Context& context, int64_t increment) {
  const KeyRef key = context.key(1);
  const Database::Spot spot = context.db().spotForWrite(key);
  const auto found = checkedString(context, spot.entry());
  if (found.refused()) return;
  int64_t value = 0;
  const bool isInt = found.entry != nullptr && found.entry->isInt();
  if (isInt) {
    value = found.entry->number();
  } else if (found.entry != nullptr) {
    Entry::Scratch scratch;
    const auto parsed = parseInt64(found.entry->stringValue(scratch));
    if (!parsed) return context.reply().notInteger();
    value = *parsed;
  }
  if (__builtin_add_overflow(value, increment, &value)) {
    return context.reply().error("ERR increment or decrement would overflow");
  }
  if (isInt && found.entry->takesNumber(value, found.entry->expireAt())) {
    found.entry->setNumber(value);
  } else {
    context.db().setNumber(spot, key, value, Database::Ttl::kKeep);
  }
  context.changed(key, EventClass::kString, "incrby");
  context.reply().integer(value);
}

void incrCommand(Context& context) { incrementBy(context, 1); }

void decrCommand(Context& context) { incrementBy(context, -1); }

void incrbyCommand(Context& context) {
  const auto increment = parseInt64(context.arg(2));
  if (!increment) return context.reply().notInteger();
  incrementBy(context, *increment);
}

void decrbyCommand(Context& context) {
  const auto decrement = parseInt64(context.arg(2));
  if (!decrement) return context.reply().notInteger();
  if (*decrement == INT64_MIN) return context.reply().error("ERR decrement would overflow");
  incrementBy(context, -*decrement);
}

void incrbyfloatCommand(Context& context) {
  const KeyRef key = context.key(1);
  const auto found = findStringForWrite(context, key);
  if (found.refused()) return;
  std::optional<long double> value = 0;
  if (found.entry != nullptr) {
    Entry::Scratch scratch;
    value = parseLongDouble(found.entry->stringValue(scratch));
  }
  const auto increment = value ? parseLongDouble(context.arg(2)) : std::nullopt;
  if (!increment) return context.reply().notFloat();
  const long double sum = *value + *increment;
  if (std::isnan(sum) || std::isinf(sum)) {
    return context.reply().error("ERR increment would produce NaN or Infinity");
  }
  const std::string text = formatLongDouble(sum);
  context.db().setText(key, text, Database::Ttl::kKeep);
  // As its outcome, so that no difference in floating point arithmetic makes replica and AOF differ.
  context.propagate({"SET", key.name, text, "KEEPTTL"});
  context.changed(key, EventClass::kString, "incrbyfloat");
  context.reply().bulk(text);
}

constexpr KeySpec kIncrKeys[] = {{.flags = kKeyRW | kKeyAccess | kKeyUpdate}};

constexpr CommandSpec kCommands[] = {
    {.name = "incr",
     .arity = 2,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kCatString,
     .keys = kIncrKeys,
     .handler = incrCommand,
     .group = "string",
     .since = "1.0.0",
     .summary = "Increment the integer value of a key by one",
     .complexity = "O(1)",
     .arguments = "key"},
    {.name = "decr",
     .arity = 2,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kCatString,
     .keys = kIncrKeys,
     .handler = decrCommand,
     .group = "string",
     .since = "1.0.0",
     .summary = "Decrement the integer value of a key by one",
     .complexity = "O(1)",
     .arguments = "key"},
    {.name = "incrby",
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kCatString,
     .keys = kIncrKeys,
     .handler = incrbyCommand,
     .group = "string",
     .since = "1.0.0",
     .summary = "Increment the integer value of a key by the given amount",
     .complexity = "O(1)",
     .arguments = "key increment:integer"},
    {.name = "decrby",
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kCatString,
     .keys = kIncrKeys,
     .handler = decrbyCommand,
     .group = "string",
     .since = "1.0.0",
     .summary = "Decrement the integer value of a key by the given number",
     .complexity = "O(1)",
     .arguments = "key decrement:integer"},
    {.name = "incrbyfloat",
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kCatString,
     .keys = kIncrKeys,
     .handler = incrbyfloatCommand,
     .group = "string",
     .since = "2.6.0",
     .summary = "Increment the float value of a key by the given amount",
     .complexity = "O(1)",
     .arguments = "key increment:double"},
};

}  // namespace

std::span<const command::CommandSpec> stringCounterCommands() { return kCommands; }

}  // namespace vigil::commands
