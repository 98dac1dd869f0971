// The MEMORY command.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::engine {

std::span<const command::CommandSpec> memoryCommands();

}  // namespace vigil::engine
