// The rows of the list commands, for the command table. Their owner is a ListOptions.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::commands {

std::span<const command::CommandSpec> listPushPopCommands();  // LPUSH RPUSH LPUSHX RPUSHX LPOP RPOP LLEN
std::span<const command::CommandSpec> listRangeCommands();    // LINDEX LRANGE LTRIM LPOS
std::span<const command::CommandSpec> listEditCommands();     // LSET LINSERT LREM
std::span<const command::CommandSpec> listMoveCommands();     // LMOVE RPOPLPUSH BLMOVE BRPOPLPUSH
std::span<const command::CommandSpec> listPopAnyCommands();   // LMPOP BLMPOP BLPOP BRPOP

}  // namespace vigil::commands
