// MODULE. Owner: none.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::engine {

std::span<const command::CommandSpec> moduleCommands();

}  // namespace vigil::engine
