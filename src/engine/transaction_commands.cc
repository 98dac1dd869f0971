#include "engine/transaction_commands.h"

#include "command/command_table.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/session.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

using command::CommandSpec;
using command::Context;

Session& sessionOf(Context& ctx) { return static_cast<Session&>(ctx.session()); }
Execution& executionOf(Context& ctx) { return static_cast<Execution&>(ctx); }

void multi(Context& ctx) {
  Session& session = sessionOf(ctx);
  if (session.transaction) return ctx.reply().error("ERR MULTI calls can not be nested");
  session.transaction = std::make_unique<Transaction>();
  ctx.reply().ok();
}

void discard(Context& ctx) {
  Session& session = sessionOf(ctx);
  if (!session.transaction) return ctx.reply().error("ERR DISCARD without MULTI");
  session.transaction.reset();
  executionOf(ctx).worker().unwatchAll(session);
  ctx.reply().ok();
}

// A watched key that expired since WATCH is a change even though nobody has deleted it yet.
bool expiredSince(Execution& execution, const WatchedKey& watched) {
  if (watched.wasExpired) return false;
  auto& keyspace = execution.keyspace();
  const keyspace::Table* table = keyspace.shardOf(watched.hash).table(watched.db);
  if (!table) return false;
  auto place = table->find({watched.key, watched.hash});
  return place && place.entry()->expired(execution.now());
}

// The worker holds the shards of all queued commands and watched keys; it runs the queue when this says so.
void exec(Context& ctx) {
  Session& session = sessionOf(ctx);
  Execution& execution = executionOf(ctx);
  if (!session.transaction) return ctx.reply().error("ERR EXEC without MULTI");
  bool refused = session.transaction->failed;
  bool changed = session.watchToken && session.watchToken->failed.load(std::memory_order_relaxed);
  for (const WatchedKey& watched : session.watched) changed = changed || expiredSince(execution, watched);
  execution.worker().unwatchAll(session);
  if (refused) {
    session.transaction.reset();
    return ctx.reply().error("EXECABORT Transaction discarded because of previous errors.");
  }
  if (changed) {
    session.transaction.reset();
    return ctx.reply().nullArray();
  }
  session.execReady = true;
}

void watch(Context& ctx) {
  Session& session = sessionOf(ctx);
  if (session.transaction) return ctx.reply().error("ERR WATCH inside MULTI is not allowed");
  ctx.reply().ok();
  if (!session.watchToken) session.watchToken = std::make_shared<WatchToken>();
  Execution& execution = executionOf(ctx);
  for (size_t i = 1; i < ctx.argc(); ++i) {
    auto key = ctx.key(i);
    bool known = false;
    for (const WatchedKey& w : session.watched) known = known || (w.db == session.db && w.key == key.name);
    if (known) continue;
    const keyspace::Table* table = execution.keyspace().shardOf(key.hash).table(session.db);
    auto place = table ? table->find(key) : keyspace::Table::Place{};
    bool expired = place && place.entry()->expired(ctx.now());
    session.watched.push_back({session.db, std::string(key.name), key.hash, expired});
    execution.engine()
        .shardState(execution.keyspace().shardNumberOf(key.hash))
        .watch(session.db, key.name, {session.watchToken, expired});
  }
}

void unwatch(Context& ctx) {
  executionOf(ctx).worker().unwatchAll(sessionOf(ctx));
  ctx.reply().ok();
}

using namespace command;  // the flags of the rows

constexpr KeySpec kWatchKeys[] = {{.flags = kKeyRO, .index = 1, .last = -1, .step = 1}};

constexpr CommandSpec kCommands[] = {
    {.name = "multi",
     .arity = 1,
     .flags = kNoscript | kLoading | kStale | kFast | kAllowBusy | kNoLocks | kTransactionControl,
     .categories = kCatFast | kCatTransaction,
     .handler = multi,
     .group = "transactions",
     .since = "1.2.0",
     .summary = "Starts a transaction.",
     .complexity = "O(1)"},
    {.name = "exec",
     .arity = 1,
     .flags = kNoscript | kLoading | kStale | kSkipSlowlog | kTransactionControl,
     .categories = kCatSlow | kCatTransaction,
     .handler = exec,
     .group = "transactions",
     .since = "1.2.0",
     .summary = "Executes all commands in a transaction.",
     .complexity = "Depends on commands in the transaction"},
    {.name = "discard",
     .arity = 1,
     .flags = kNoscript | kLoading | kStale | kFast | kAllowBusy | kNoLocks | kTransactionControl,
     .categories = kCatFast | kCatTransaction,
     .handler = discard,
     .group = "transactions",
     .since = "2.0.0",
     .summary = "Discards a transaction.",
     .complexity = "O(N), when N is the number of queued commands"},
    {.name = "watch",
     .arity = -2,
     .flags = kNoscript | kLoading | kStale | kFast | kAllowBusy | kTransactionControl,
     .categories = kCatFast | kCatTransaction,
     .keys = kWatchKeys,
     .handler = watch,
     .group = "transactions",
     .since = "2.2.0",
     .summary = "Monitors changes to keys to determine the execution of a transaction.",
     .complexity = "O(1) for every key.",
     .arguments = "key+"},
    {.name = "unwatch",
     .arity = 1,
     .flags = kNoscript | kLoading | kStale | kFast | kAllowBusy | kNoLocks,
     .categories = kCatFast | kCatTransaction,
     .handler = unwatch,
     .group = "transactions",
     .since = "2.2.0",
     .summary = "Forgets about watched keys of a transaction.",
     .complexity = "O(1)"},
};

}  // namespace

std::span<const CommandSpec> transactionCommands() { return kCommands; }

}  // namespace vigil::engine
