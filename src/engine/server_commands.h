// INFO, SHUTDOWN, TIME and DEBUG: the node as a whole.
#pragma once

#include "command/spec.h"

namespace vigil::engine {

// Owner: the Engine.
std::span<const command::CommandSpec> serverCommands();

}  // namespace vigil::engine
