// The rows of SORT and SORT_RO, for the command table. Their owner is a SortOptions.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::commands {

std::span<const command::CommandSpec> sortCommands();

}  // namespace vigil::commands
