// MULTI, EXEC, DISCARD, WATCH, UNWATCH.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::engine {

std::span<const command::CommandSpec> transactionCommands();

}  // namespace vigil::engine
