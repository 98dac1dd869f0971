#include "engine/command_commands.h"

#include "command/command_docs.h"
#include "command/command_table.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/help_reply.h"

namespace vigil::engine {

namespace {

using namespace vigil::command;  // the flags of the rows

const CommandTable& tableOf(Context& ctx) { return static_cast<Execution&>(ctx).engine().commands(); }

void command(Context& ctx) {
  if (ctx.argc() == 1) return replyCommandInfo(ctx.reply(), tableOf(ctx), {});
  ctx.reply().error("ERR unknown subcommand '" + std::string(ctx.arg(1).substr(0, 128)) + "'. Try COMMAND HELP.");
}

void count(Context& ctx) { replyCommandCount(ctx.reply(), tableOf(ctx)); }
void info(Context& ctx) { replyCommandInfo(ctx.reply(), tableOf(ctx), ctx.args().subspan(2)); }
void docs(Context& ctx) { replyCommandDocs(ctx.reply(), tableOf(ctx), ctx.args().subspan(2)); }
void list(Context& ctx) { replyCommandList(ctx.reply(), tableOf(ctx), ctx.args().subspan(2)); }
void getKeys(Context& ctx) { replyCommandKeys(ctx.reply(), tableOf(ctx), ctx.args().subspan(2), false); }
void getKeysAndFlags(Context& ctx) { replyCommandKeys(ctx.reply(), tableOf(ctx), ctx.args().subspan(2), true); }

constexpr std::string_view kHelp[] = {
    "(no subcommand)",
    "    Return details about all Redis commands.",
    "COUNT",
    "    Return the total number of commands in this Redis server.",
    "LIST",
    "    Return a list of all commands in this Redis server.",
    "INFO [<command-name> ...]",
    "    Return details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "DOCS [<command-name> ...]",
    "    Return documentation details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "GETKEYS <full-command>",
    "    Return the keys from a full Redis command.",
    "GETKEYSANDFLAGS <full-command>",
    "    Return the keys and the access flags from a full Redis command.",
};

void help(Context& ctx) { replyHelp(ctx.reply(), "COMMAND", kHelp); }

constexpr std::string_view kCommandListTips[] = {"nondeterministic_output_order"};
constexpr std::string_view kCommandInfoHistory[] = {
    "7.0.0|Allowed to be called with no argument to get info on all commands."};
constexpr CommandSpec kCommandSubcommands[] = {
    {.name = "list",
     .arity = -2,
     .flags = kLoading | kStale | kNoLocks,
     .categories = kCatConnection,
     .handler = list,
     .group = "server",
     .since = "7.0.0",
     .summary = "Get an array of Redis command names",
     .complexity = "O(N) where N is the total number of Redis commands",
     .tips = kCommandListTips,
     .arguments = "[filterby:(module-name=MODULE|category=ACLCAT|pattern:pattern=PATTERN)=FILTERBY]"},
    {.name = "info",
     .arity = -2,
     .flags = kLoading | kStale | kNoLocks,
     .categories = kCatConnection,
     .handler = info,
     .group = "server",
     .since = "2.8.13",
     .summary = "Get array of specific Redis command details, or all when no argument is given.",
     .complexity = "O(N) where N is the number of commands to look up",
     .tips = kCommandListTips,
     .history = kCommandInfoHistory,
     .arguments = "[command-name+]"},
    {.name = "getkeysandflags",
     .arity = -4,
     .flags = kLoading | kStale | kNoLocks,
     .categories = kCatConnection,
     .handler = getKeysAndFlags,
     .group = "server",
     .since = "7.0.0",
     .summary = "Extract keys and access flags given a full Redis command",
     .complexity = "O(N) where N is the number of arguments to the command"},
    {.name = "docs",
     .arity = -2,
     .flags = kLoading | kStale | kNoLocks,
     .categories = kCatConnection,
     .handler = docs,
     .group = "server",
     .since = "7.0.0",
     .summary = "Get array of specific Redis command documentation",
     .complexity = "O(N) where N is the number of commands to look up",
     .tips = kCommandListTips,
     .arguments = "[command-name+]"},
    {.name = "getkeys",
     .arity = -4,
     .flags = kLoading | kStale | kNoLocks,
     .categories = kCatConnection,
     .handler = getKeys,
     .group = "server",
     .since = "2.8.13",
     .summary = "Extract keys given a full Redis command",
     .complexity = "O(N) where N is the number of arguments to the command"},
    {.name = "count",
     .arity = 2,
     .flags = kLoading | kStale | kNoLocks,
     .categories = kCatConnection,
     .handler = count,
     .group = "server",
     .since = "2.8.13",
     .summary = "Get total number of Redis commands",
     .complexity = "O(1)"},
    {.name = "help",
     .arity = 2,
     .flags = kLoading | kStale | kNoLocks,
     .categories = kCatConnection,
     .handler = help,
     .group = "server",
     .since = "5.0.0",
     .summary = "Show helpful text about the different subcommands",
     .complexity = "O(1)"},
};

constexpr CommandSpec kCommands[] = {
    {.name = "command",
     .arity = -1,
     .flags = kLoading | kStale | kNoLocks | kSentinel,
     .categories = kCatConnection,
     .handler = command,
     .subcommands = kCommandSubcommands,
     .group = "server",
     .since = "2.8.13",
     .summary = "Get array of Redis command details",
     .complexity = "O(N) where N is the total number of Redis commands",
     .tips = kCommandListTips},
};

}  // namespace

std::span<const CommandSpec> commandCommands() { return kCommands; }

}  // namespace vigil::engine
