// SLOWLOG. Owner: the Engine.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::engine {

std::span<const command::CommandSpec> slowLogCommands();

}  // namespace vigil::engine
