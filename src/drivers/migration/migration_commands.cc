// MIGRATE.
#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/text.h"
#include "command/context.h"
#include "command/spec.h"
#include "drivers/migration/migrate_arguments.h"
#include "drivers/migration/migration.h"
#include "engine/deferred_reply.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/held_keys.h"
#include "keyspace/dump_value.h"
#include "wire/resp_writer.h"

namespace vigil::drivers {

namespace {

using command::CommandSpec;
using command::Context;
using command::KeySpec;

void addRestore(Context& context, const MigrateArguments& migrate, const keyspace::Entry& entry, bool compress,
                bool cluster, std::string& out) {
  const UnixMs left = entry.hasExpire() ? std::max<UnixMs>(1, entry.expireAt() - context.now()) : 0;
  const std::string ttl = std::to_string(left);
  const std::string payload = keyspace::dumpValue(entry, compress);
  // In a cluster the target does not own the slot yet, and takes its keys from us alone.
  std::vector<std::string_view> words{cluster ? "RESTORE-ASKING" : "RESTORE", entry.key(), ttl, payload};
  if (migrate.replace) words.emplace_back("REPLACE");
  wire::encodeCommand(words, out);
}

// The keys that there are, each once, with the commands that make them at the target.
std::vector<std::string> dumpKeys(Context& context, const MigrateArguments& migrate, Migration::Call& call) {
  auto& engine = static_cast<engine::Execution&>(context).engine();
  const auto* compression = engine.options().dumps.compression;
  const bool compress = compression == nullptr || compression->load(std::memory_order_relaxed);
  std::vector<std::string> keys;
  std::unordered_set<std::string_view> seen;
  for (size_t i = migrate.firstKey; i < migrate.firstKey + migrate.keyCount; ++i) {
    const auto key = context.key(i);
    const auto* entry = context.db().find(key);
    if (entry == nullptr || !seen.insert(key.name).second) continue;
    addRestore(context, migrate, *entry, compress, engine.clusterMode(), call.job.restores);
    call.expireAt.push_back(entry->expireAt());
    keys.emplace_back(key.name);
  }
  call.job.keys = keys.size();
  return keys;
}

std::string authentication(const MigrateArguments& migrate) {
  std::string command;
  if (!migrate.authenticates) return command;
  if (migrate.user.empty()) {
    wire::encodeCommand({"AUTH", migrate.password}, command);
  } else {
    wire::encodeCommand({"AUTH", migrate.user, migrate.password}, command);
  }
  return command;
}

void migrate(Context& context) {
  const auto arguments = parseMigrate(context);
  if (!arguments) return;
  if (!engine::DeferredReply::possible(context)) {
    return context.reply().error("ERR MIGRATE is not possible inside a transaction or a script: it waits for the target");
  }
  auto call = std::make_shared<Migration::Call>();
  auto keys = dumpKeys(context, *arguments, *call);
  if (keys.empty()) return context.reply().simple("NOKEY");
  call->target = arguments->host + ":" + arguments->port;
  const auto port = parseInt64(arguments->port);
  call->endpoint = {arguments->host, static_cast<uint16_t>(port && *port > 0 && *port <= UINT16_MAX ? *port : 0)};
  call->job.db = arguments->db;
  constexpr int64_t kLongestMs = INT64_MAX / 1'000'000;
  call->job.timeoutUs = std::min(arguments->timeoutMs, kLongestMs) * 1000;
  call->job.authentication = authentication(*arguments);
  call->replica = static_cast<engine::Execution&>(context).engine().state().replica.load();
  if (!arguments->copy) call->held = engine::HeldKeys::take(context, std::move(keys));
  call->later = std::make_shared<engine::DeferredReply>(context);
  context.owner<Migration>().begin(std::move(call));
}

constexpr KeySpec kMigrateKeys[] = {
    {.flags = command::kKeyRW | command::kKeyAccess | command::kKeyDelete, .index = 3},
    {.flags = command::kKeyRW | command::kKeyAccess | command::kKeyDelete | command::kKeyIncomplete,
     .begin = KeySpec::Begin::kKeyword,
     .index = -2,
     .keyword = "KEYS",
     .last = -1}};
constexpr std::string_view kMigrateTips[] = {"nondeterministic_output"};
constexpr std::string_view kMigrateHistory[] = {
    "3.0.0|Added the `COPY` and `REPLACE` options.", "3.0.6|Added the `KEYS` option.",
    "4.0.7|Added the `AUTH` option.", "6.0.0|Added the `AUTH2` option."};

constexpr CommandSpec kCommands[] = {
    {.name = "migrate",
     .arity = -6,
     .flags = command::kWrite | command::kMovableKeys,
     .categories = command::kCatKeyspace | command::kCatDangerous,
     .keys = kMigrateKeys,
     .handler = migrate,
     .findKeys = findMigrateKeys,
     .group = "generic",
     .since = "2.6.0",
     .summary = "Atomically transfer a key from a Redis instance to another one.",
     .complexity = "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target "
                   "instance. See the pages of these commands for time complexity. Also an O(N) data transfer between "
                   "the two instances is performed.",
     .tips = kMigrateTips,
     .history = kMigrateHistory,
     .arguments = "host port:integer key_or_empty_string:(key|empty_string:pure-token='') destination-db:integer "
                  "timeout:integer [COPY@3.0.0] [REPLACE@3.0.0] "
                  "[authentication:([password=AUTH@4.0.7]|[username_password:<username password>=AUTH2@6.0.0])] "
                  "[key#1=KEYS@3.0.6+]"},
};

}  // namespace

std::span<const CommandSpec> migrationCommands() { return kCommands; }

void Migration::registerCommands() { engine_.addCommands(migrationCommands(), this); }

}  // namespace vigil::drivers
