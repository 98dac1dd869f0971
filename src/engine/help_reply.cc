#include "engine/help_reply.h"

#include <string>

#include "command/context.h"
#include "command/reply.h"

namespace vigil::engine {

void replyHelp(command::Reply& reply, std::string_view container, std::span<const std::string_view> lines) {
  reply.array(lines.size() + 3);
  reply.simple(std::string(container) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (std::string_view line : lines) reply.simple(line);
  reply.simple("HELP");
  reply.simple("    Prints this help.");
}

void replyWrongSubcommand(command::Context& ctx, std::string_view container) {
  ctx.reply().error("ERR unknown subcommand or wrong number of arguments for '" +
                    std::string(ctx.arg(1).substr(0, 128)) + "'. Try " + std::string(container) + " HELP.");
}

}  // namespace vigil::engine
