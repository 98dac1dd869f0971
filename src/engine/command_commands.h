// COMMAND and its subcommands.
#pragma once

#include "command/spec.h"

namespace vigil::engine {

// Owner: the Engine.
std::span<const command::CommandSpec> commandCommands();

}  // namespace vigil::engine
