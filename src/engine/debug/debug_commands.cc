#include "engine/debug/debug_commands.h"

#include <algorithm>

#include "base/text.h"
#include "command/context.h"
#include "engine/debug/debug_registry.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/help_reply.h"
#include "engine/permission.h"

namespace vigil::engine {

namespace {

using namespace command;  // the flags of the row

// Those that look at keys, and SLEEP: no worker is to answer meanwhile. And what changes the history.
constexpr std::string_view kWithWorld[] = {"change-repl-id", "digest", "digest-value", "htstats", "htstats-key",
                                           "object",         "populate", "reload",     "sleep"};

bool needsWorld(Args args) {
  return args.size() >= 2 && std::ranges::any_of(kWithWorld, [&](std::string_view name) {
           return equalsIgnoreCase(args[1], name);
         });
}

void debug(Context& ctx) {
  Engine& engine = static_cast<Execution&>(ctx).engine();
  if (!permits(engine.options().debugCommand.load(), ctx)) {
    return ctx.reply().error(
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a "
        "local connection, otherwise you need to set this option in the configuration file, and then restart the "
        "server.");
  }
  if (ctx.argc() == 2 && equalsIgnoreCase(ctx.arg(1), "help")) return engine.debug().replyHelp(ctx.reply());
  const auto* subcommand = engine.debug().find(ctx.arg(1), ctx.argc() - 2);
  if (subcommand == nullptr) return replyWrongSubcommand(ctx, "DEBUG");
  subcommand->run(ctx);
}

constexpr CommandSpec kCommands[] = {
    {.name = "debug",
     .arity = -2,
     .flags = kAdmin | kNoscript | kLoading | kStale | kProtected | kNoLocks,
     .handler = debug,
     .needsWorld = needsWorld,
     .group = "server",
     .since = "1.0.0",
     .summary = "A container for debugging commands",
     .complexity = "Depends on subcommand.",
     .system = true},
};

}  // namespace

std::span<const CommandSpec> debugCommands() { return kCommands; }

}  // namespace vigil::engine
