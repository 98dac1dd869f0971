// PING, ECHO, SELECT, QUIT, RESET, HELLO, AUTH: what concerns a client's connection itself.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::engine {

std::span<const command::CommandSpec> connectionCommands();

}  // namespace vigil::engine
