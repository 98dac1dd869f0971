// The rows of the string and bit commands, by file. Register them with a StringLimits as owner.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::commands {

std::span<const command::CommandSpec> stringReadCommands();     // GET, MGET, STRLEN, GETDEL, GETEX
std::span<const command::CommandSpec> stringSetCommands();      // SET, SETNX, SETEX, PSETEX, GETSET, MSET, MSETNX
std::span<const command::CommandSpec> stringCounterCommands();  // INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT
std::span<const command::CommandSpec> stringRangeCommands();    // APPEND, SETRANGE, GETRANGE, SUBSTR
std::span<const command::CommandSpec> stringLcsCommands();      // LCS
std::span<const command::CommandSpec> bitCommands();            // SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP
std::span<const command::CommandSpec> bitfieldCommands();       // BITFIELD, BITFIELD_RO

}  // namespace vigil::commands
