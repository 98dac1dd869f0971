// DEBUG, and the subcommands of it that are the engine's own. Its owner is the engine.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::engine {

class DebugRegistry;

std::span<const command::CommandSpec> debugCommands();

void addDebugControls(DebugRegistry& registry);  // what changes how the server runs, or ends it
void addDebugData(DebugRegistry& registry);      // what looks at keys and values
void addDebugReplies(DebugRegistry& registry);   // what only answers

}  // namespace vigil::engine
