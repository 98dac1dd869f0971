// SCAN, KEYS, RANDOMKEY, DBSIZE: which keys there are.
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "command/args.h"
#include "command/context.h"
#include "command/spec.h"
#include "commands/keys_commands.h"
#include "keyspace/database.h"
#include "keyspace/keyspace.h"

namespace vigil::commands {

using command::ArgCursor;
using command::CommandSpec;
using command::Context;
using keyspace::Entry;

namespace {

// As strtoul() reads it, which Redis uses: a sign is taken, blanks and anything behind the number are not.
std::optional<uint64_t> parseCursor(std::string_view text) {
  if (text.size() > 32 || (!text.empty() && std::isspace(static_cast<unsigned char>(text[0])) != 0))
    return std::nullopt;
  const std::string digits(text);
  char* end = nullptr;
  errno = 0;
  const uint64_t cursor = std::strtoull(digits.c_str(), &end, 10);
  if (errno != 0 || end != digits.c_str() + digits.size()) return std::nullopt;
  return cursor;
}

struct ScanOptions {
  std::string_view pattern = "*";
  std::string_view type;  // empty: any; a word that names no type matches nothing
  size_t count = 10;

  bool match(const Entry& entry) const {
    return (type.empty() || equalsIgnoreCase(type, keyspace::typeName(entry.type()))) &&
           (pattern == "*" || stringMatch(pattern, entry.key()));
  }
};

std::optional<ScanOptions> parseScanOptions(Context& context) {
  ScanOptions options;
  ArgCursor args(context, 2);
  while (!args.done()) {
    if (args.take("COUNT", 1)) {
      const auto count = args.integer();
      if (!count) return std::nullopt;
      if (*count < 1) {
        args.syntaxError();
        return std::nullopt;
      }
      options.count = static_cast<size_t>(*count);
    } else if (args.take("MATCH", 1)) {
      options.pattern = args.next();
    } else if (args.take("TYPE", 1)) {
      options.type = args.next();
    } else {
      args.syntaxError();
      return std::nullopt;
    }
  }
  return options;
}

void scan(Context& context) {
  auto& reply = context.reply();
  const auto cursor = parseCursor(context.arg(1));
  if (!cursor) return reply.error("ERR invalid cursor");
  const auto options = parseScanOptions(context);
  if (!options) return;
  // The next cursor, known last, stands first.
  std::vector<std::string> keys;
  const uint64_t next = context.db().scan(*cursor, options->count, context.shards(), [&](const Entry& entry) {
    if (options->match(entry)) keys.emplace_back(entry.key());
  });
  reply.array(2);
  reply.bulk(std::to_string(next));
  reply.array(keys.size());
  for (const auto& key : keys) reply.bulk(key);
}

void keys(Context& context) {
  auto& reply = context.reply();
  const std::string_view pattern = context.arg(1);
  const bool all = pattern == "*";
  const size_t header = reply.mark();
  size_t count = 0;
  context.db().forEach([&](const Entry& entry) {
    if (!all && !stringMatch(pattern, entry.key())) return;
    reply.bulk(entry.key());
    ++count;
  });
  reply.arrayAt(header, count);
}

void randomKey(Context& context) {
  const Entry* entry = context.db().randomEntry([&] { return context.random(); });
  if (entry == nullptr) return context.reply().null();
  context.reply().bulk(entry->key());
}

void dbsize(Context& context) { context.reply().integer(static_cast<int64_t>(context.db().size())); }

constexpr std::string_view kScanTips[] = {"nondeterministic_output", "request_policy:special"};
constexpr std::string_view kScanHistory[] = {"6.0.0|Added the `TYPE` subcommand."};
constexpr std::string_view kKeysTips[] = {"request_policy:all_shards", "nondeterministic_output_order"};
constexpr std::string_view kRandomkeyTips[] = {"request_policy:all_shards", "nondeterministic_output"};
constexpr std::string_view kDbsizeTips[] = {"request_policy:all_shards", "response_policy:agg_sum"};

// SCAN begins in the shard that its cursor names.
void lockScanShard(std::span<const std::string_view> args, const keyspace::Keyspace& keyspace,
                   std::vector<uint32_t>& shards) {
  const uint64_t cursor = args.size() > 1 ? parseCursor(args[1]).value_or(0) : 0;
  shards.push_back(static_cast<uint32_t>(keyspace.scanShard(cursor)));
}

constexpr CommandSpec kCommands[] = {
    {.name = "scan",
     .arity = -2,
     .flags = command::kReadonly,
     .categories = command::kCatKeyspace,
     .handler = scan,
     .lockShards = lockScanShard,
     .group = "generic",
     .since = "2.8.0",
     .summary = "Incrementally iterate the keys space",
     .complexity = "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor "
                   "to return back to 0. N is the number of elements inside the collection.",
     .tips = kScanTips,
     .history = kScanHistory,
     .arguments = "cursor:integer [pattern:pattern=MATCH] [count:integer=COUNT] [type=TYPE@6.0.0]"},
    {.name = "keys",
     .arity = 2,
     .flags = command::kReadonly | command::kWholeKeyspace,
     .categories = command::kCatKeyspace | command::kCatDangerous,
     .handler = keys,
     .group = "generic",
     .since = "1.0.0",
     .summary = "Find all keys matching the given pattern",
     .complexity = "O(N) with N being the number of keys in the database, under the assumption that the key names in "
                   "the database and the given pattern have limited length.",
     .tips = kKeysTips,
     .arguments = "pattern:pattern"},
    {.name = "randomkey",
     .arity = 1,
     .flags = command::kReadonly | command::kWholeKeyspace,
     .categories = command::kCatKeyspace,
     .handler = randomKey,
     .group = "generic",
     .since = "1.0.0",
     .summary = "Return a random key from the keyspace",
     .complexity = "O(1)",
     .tips = kRandomkeyTips},
    {.name = "dbsize",
     .arity = 1,
     .flags = command::kReadonly | command::kFast,
     .categories = command::kCatKeyspace,
     .handler = dbsize,
     .group = "server",
     .since = "1.0.0",
     .summary = "Return the number of keys in the selected database",
     .complexity = "O(1)",
     .tips = kDbsizeTips},
};

}  // namespace

std::span<const CommandSpec> keyScanCommands() { return kCommands; }

}  // namespace vigil::commands
