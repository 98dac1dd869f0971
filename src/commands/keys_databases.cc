// FLUSHDB, FLUSHALL, SWAPDB: whole databases at once.
#include <optional>
#include <utility>

#include "command/args.h"
#include "command/context.h"
#include "command/spec.h"
#include "commands/keys_commands.h"
#include "commands/keys_options.h"
#include "keyspace/database.h"
#include "keyspace/keyspace.h"
#include "keyspace/reaper.h"

namespace vigil::commands {

using command::ArgCursor;
using command::CommandSpec;
using command::Context;

namespace {

// [ASYNC|SYNC]; nullopt, with the error replied, for anything else.
std::optional<bool> parseLazily(Context& context) {
  ArgCursor args(context, 1);
  bool lazily = context.owner<KeyOptions>().lazyUserFlush;
  if (args.take("ASYNC")) {
    lazily = true;
  } else if (args.take("SYNC")) {
    lazily = false;
  }
  if (!args.finish()) return std::nullopt;
  return lazily;
}

// db: -1 for all. Logged even if there was nothing, as in Redis.
void flush(Context& context, int db) {
  const auto lazily = parseLazily(context);
  if (!lazily) return;
  const bool answeredLater = context.databaseFlushed(db);
  auto tables = context.keyspace().detachAll(db);
  auto* reaper = context.keyspace().reaper();
  if (*lazily && reaper != nullptr) keyspace::reapTables(*reaper, std::move(tables));
  context.propagate(context.args());
  if (!answeredLater) context.reply().ok();
}

void flushDb(Context& context) { flush(context, context.db().index()); }

void flushAll(Context& context) { flush(context, -1); }

std::optional<int64_t> parseIndex(ArgCursor& args, std::string_view error) {
  return args.integerOr(error, INT32_MIN, INT32_MAX);
}

void swapDb(Context& context) {
  if (context.keyspace().hasSlots()) return context.reply().error("ERR SWAPDB is not allowed in cluster mode");
  ArgCursor args(context, 1);
  const auto first = parseIndex(args, "ERR invalid first DB index");
  if (!first) return;
  const auto second = parseIndex(args, "ERR invalid second DB index");
  if (!second) return;
  if (context.database(*first) == nullptr || context.database(*second) == nullptr) {
    return context.reply().error("ERR DB index is out of range");
  }
  const int a = static_cast<int>(*first);
  const int b = static_cast<int>(*second);
  if (a != b) context.keyspace().swapDatabases(a, b);
  context.databasesSwapped(a, b);
  context.propagate(context.args());
  context.reply().ok();
}

constexpr std::string_view kFlushdbTips[] = {"request_policy:all_shards", "response_policy:all_succeeded"};
constexpr std::string_view kFlushdbHistory[] = {"4.0.0|Added the `ASYNC` flushing mode modifier.",
                                                "6.2.0|Added the `SYNC` flushing mode modifier."};

constexpr CommandSpec kCommands[] = {
    {.name = "flushdb",
     .arity = -1,
     .flags = command::kWrite | command::kWholeKeyspace,
     .categories = command::kCatKeyspace | command::kCatDangerous,
     .handler = flushDb,
     .group = "server",
     .since = "1.0.0",
     .summary = "Remove all keys from the current database",
     .complexity = "O(N) where N is the number of keys in the selected database",
     .tips = kFlushdbTips,
     .history = kFlushdbHistory,
     .arguments = "[async:(ASYNC@4.0.0|SYNC@6.2.0)]"},
    {.name = "flushall",
     .arity = -1,
     .flags = command::kWrite | command::kWholeKeyspace,
     .categories = command::kCatKeyspace | command::kCatDangerous,
     .handler = flushAll,
     .group = "server",
     .since = "1.0.0",
     .summary = "Remove all keys from all databases",
     .complexity = "O(N) where N is the total number of keys in all databases",
     .tips = kFlushdbTips,
     .history = kFlushdbHistory,
     .arguments = "[async:(ASYNC@4.0.0|SYNC@6.2.0)]"},
    {.name = "swapdb",
     .arity = 3,
     .flags = command::kWrite | command::kFast | command::kWholeKeyspace,
     .categories = command::kCatKeyspace | command::kCatDangerous,
     .handler = swapDb,
     .group = "server",
     .since = "4.0.0",
     .summary = "Swaps two Redis databases",
     .complexity = "O(N) where N is the count of clients watching or blocking on keys from both databases.",
     .arguments = "index1:integer index2:integer"},
};

}  // namespace

std::span<const CommandSpec> databaseCommands() { return kCommands; }

}  // namespace vigil::commands
