// MODULE, for tools that ask which modules there are: a module is machine code for Redis's insides, which are not here.
#include "engine/module_commands.h"

#include "command/context.h"
#include "command/reply.h"
#include "engine/help_reply.h"

namespace vigil::engine {

namespace {

using namespace command;  // the flags of the rows

void list(Context& ctx) { ctx.reply().array(0); }

// As Redis answers while its option is off, which it always is here.
void refuse(Context& ctx) {
  ctx.reply().error(
      "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it from a local "
      "connection, otherwise you need to set this option in the configuration file, and then restart the server.");
}

constexpr std::string_view kHelp[] = {
    "LIST",
    "    Return a list of loaded modules.",
    "LOAD <path> [<arg> ...]",
    "    Load a module library from <path>, passing to it any optional arguments.",
    "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
    "    Load a module library from <path>, while passing it module configurations and optional arguments.",
    "UNLOAD <name>",
    "    Unload a module.",
};

void help(Context& ctx) { replyHelp(ctx.reply(), "MODULE", kHelp); }

constexpr std::string_view kListTips[] = {"nondeterministic_output_order"};
constexpr CommandSpec kSubcommands[] = {
    {.name = "list",
     .arity = 2,
     .flags = kAdmin | kNoscript | kNoLocks,
     .handler = list,
     .group = "server",
     .since = "4.0.0",
     .summary = "List all modules loaded by the server",
     .complexity = "O(N) where N is the number of loaded modules.",
     .tips = kListTips},
    {.name = "load",
     .arity = -3,
     .flags = kAdmin | kNoscript | kNoAsyncLoading | kProtected | kNoLocks,
     .handler = refuse,
     .group = "server",
     .since = "4.0.0",
     .summary = "Load a module",
     .complexity = "O(1)",
     .arguments = "path [arg+]"},
    {.name = "loadex",
     .arity = -3,
     .flags = kAdmin | kNoscript | kNoAsyncLoading | kProtected | kNoLocks,
     .handler = refuse,
     .group = "server",
     .since = "7.0.0",
     .summary = "Load a module with extended parameters",
     .complexity = "O(1)",
     .arguments = "path [configs:<name value>=CONFIG++] [args:<arg>=ARGS+]"},
    {.name = "unload",
     .arity = 3,
     .flags = kAdmin | kNoscript | kNoAsyncLoading | kProtected | kNoLocks,
     .handler = refuse,
     .group = "server",
     .since = "4.0.0",
     .summary = "Unload a module",
     .complexity = "O(1)",
     .arguments = "name"},
    {.name = "help",
     .arity = 2,
     .flags = kLoading | kStale | kNoLocks,
     .handler = help,
     .group = "server",
     .since = "5.0.0",
     .summary = "Show helpful text about the different subcommands",
     .complexity = "O(1)"},
};

constexpr CommandSpec kCommands[] = {
    {.name = "module",
     .arity = -2,
     .subcommands = kSubcommands,
     .group = "server",
     .since = "4.0.0",
     .summary = "A container for module commands",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::span<const CommandSpec> moduleCommands() { return kCommands; }

}  // namespace vigil::engine
