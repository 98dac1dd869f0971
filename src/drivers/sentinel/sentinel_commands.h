// What a Sentinel's clients, and other Sentinels, may ask: SENTINEL, and its own PUBLISH and ROLE. Owned by SentinelDriver.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::drivers {

std::span<const command::CommandSpec> sentinelCommands();

}  // namespace vigil::drivers
