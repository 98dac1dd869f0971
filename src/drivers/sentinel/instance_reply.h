// Instances as SENTINEL MASTER, REPLICAS and SENTINELS show them.
#pragma once

#include "command/reply.h"
#include "sentinel/step.h"

namespace vigil::drivers {

void replyInstance(command::Reply& reply, const sentinel::State& state, MonoUs now,
                   const sentinel::Instance& instance);

}  // namespace vigil::drivers
