// The log of a node begins to be kept.
#pragma once

#include "oplog/log.h"

namespace vigil::engine {
class Engine;
}

namespace vigil::drivers {

// World held. A log that nobody needed has counted no writes: it begins a history of its own, or who left before would
// be taken for continuing.
void wakeLog(engine::Engine& engine, oplog::Log::Reason reason);

}  // namespace vigil::drivers
