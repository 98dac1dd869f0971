#include "engine/slow_log_commands.h"

#include "base/text.h"
#include "command/args.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/help_reply.h"
#include "engine/slow_log.h"

namespace vigil::engine {

namespace {

using namespace command;  // the flags of the rows

SlowLog& slowLogOf(Context& ctx) { return static_cast<Execution&>(ctx).engine().slowLog(); }

void length(Context& ctx) { ctx.reply().integer(static_cast<int64_t>(slowLogOf(ctx).length())); }

void reset(Context& ctx) {
  slowLogOf(ctx).reset();
  ctx.reply().ok();
}

void get(Context& ctx) {
  if (ctx.argc() > 3) return replyWrongSubcommand(ctx, "SLOWLOG");
  size_t most = 10;
  if (ctx.argc() == 3) {
    auto count = ArgCursor(ctx, 2).integerOr("ERR count should be greater than or equal to -1", -1);
    if (!count) return;
    most = *count < 0 ? SIZE_MAX : static_cast<size_t>(*count);
  }
  const auto entries = slowLogOf(ctx).newest(most);
  Reply& reply = ctx.reply();
  reply.array(entries.size());
  for (const auto& entry : entries) {
    reply.array(6);
    reply.integer(entry->id);
    reply.integer(entry->time);
    reply.integer(entry->microseconds);
    reply.array(entry->args.size());
    for (const std::string& arg : entry->args) reply.bulk(arg);
    reply.bulk(entry->address);
    reply.bulk(entry->name);
  }
}

constexpr std::string_view kHelp[] = {
    "GET [<count>]",
    "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
    "    Entries are made of:",
    "    id, timestamp, time in microseconds, arguments array, client IP and port,",
    "    client name",
    "LEN",
    "    Return the length of the slowlog.",
    "RESET",
    "    Reset the slowlog.",
};

void help(Context& ctx) { replyHelp(ctx.reply(), "SLOWLOG", kHelp); }

constexpr std::string_view kLenTips[] = {"request_policy:all_nodes", "response_policy:agg_sum",
                                         "nondeterministic_output"};
constexpr std::string_view kResetTips[] = {"request_policy:all_nodes", "response_policy:all_succeeded"};
constexpr std::string_view kGetTips[] = {"request_policy:all_nodes", "nondeterministic_output"};
constexpr std::string_view kGetHistory[] = {"4.0.0|Added client IP address, port and name to the reply."};
constexpr CommandSpec kSubcommands[] = {
    {.name = "len",
     .arity = 2,
     .flags = kAdmin | kLoading | kStale | kNoLocks,
     .handler = length,
     .group = "server",
     .since = "2.2.12",
     .summary = "Get the slow log's length",
     .complexity = "O(1)",
     .tips = kLenTips},
    {.name = "reset",
     .arity = 2,
     .flags = kAdmin | kLoading | kStale | kNoLocks,
     .handler = reset,
     .group = "server",
     .since = "2.2.12",
     .summary = "Clear all entries from the slow log",
     .complexity = "O(N) where N is the number of entries in the slowlog",
     .tips = kResetTips},
    {.name = "get",
     .arity = -2,
     .flags = kAdmin | kLoading | kStale | kNoLocks,
     .handler = get,
     .group = "server",
     .since = "2.2.12",
     .summary = "Get the slow log's entries",
     .complexity = "O(N) where N is the number of entries returned",
     .tips = kGetTips,
     .history = kGetHistory,
     .arguments = "[count:integer]"},
    {.name = "help",
     .arity = 2,
     .flags = kLoading | kStale | kNoLocks,
     .handler = help,
     .group = "server",
     .since = "6.2.0",
     .summary = "Show helpful text about the different subcommands",
     .complexity = "O(1)"},
};

constexpr CommandSpec kCommands[] = {
    {.name = "slowlog",
     .arity = -2,
     .subcommands = kSubcommands,
     .group = "server",
     .since = "2.2.12",
     .summary = "A container for slow log commands",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::span<const CommandSpec> slowLogCommands() { return kCommands; }

}  // namespace vigil::engine
