// What the containers (CLIENT, CONFIG, DEBUG …) answer to HELP and to arguments that no subcommand takes.
#pragma once

#include <span>
#include <string_view>

namespace vigil::command {
class Context;
class Reply;
}  // namespace vigil::command

namespace vigil::engine {

// `container` in capitals; each subcommand of it and what it does, between a heading and HELP itself.
void replyHelp(command::Reply& reply, std::string_view container, std::span<const std::string_view> lines);

void replyWrongSubcommand(command::Context& ctx, std::string_view container);

}  // namespace vigil::engine
