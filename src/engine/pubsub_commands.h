// SUBSCRIBE and its kin, PUBLISH, SPUBLISH, PUBSUB.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::engine {

std::span<const command::CommandSpec> subscriptionCommands();
std::span<const command::CommandSpec> publishCommands();

}  // namespace vigil::engine
