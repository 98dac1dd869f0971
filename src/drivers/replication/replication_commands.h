// REPLICAOF, SLAVEOF, ROLE, WAIT, PSYNC, SYNC, REPLCONF, FAILOVER. Their owner is a Replication.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::drivers {

std::span<const command::CommandSpec> replicationCommands();
std::span<const command::CommandSpec> failoverCommands();

}  // namespace vigil::drivers
