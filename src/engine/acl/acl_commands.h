// ACL and its subcommands.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::engine::acl {

std::span<const command::CommandSpec> aclCommands();

}  // namespace vigil::engine::acl
