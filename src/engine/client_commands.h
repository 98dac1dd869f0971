// CLIENT: what a client may ask and set about itself and others. Clients of other workers are seen through the
// ClientRegistry and acted on by messages to their worker.
#pragma once

#include "command/context.h"
#include "command/spec.h"

namespace vigil::engine {

// Owner: the Engine.
std::span<const command::CommandSpec> clientCommands();

// The subcommands that act on other clients (client_control.cc).
void clientKill(command::Context& ctx);
void clientPause(command::Context& ctx);
void clientUnpause(command::Context& ctx);
void clientUnblock(command::Context& ctx);

// Client-side caching (client_tracking.cc).
void clientTracking(command::Context& ctx);
void clientCaching(command::Context& ctx);
void clientTrackingInfo(command::Context& ctx);
void clientGetRedirection(command::Context& ctx);

}  // namespace vigil::engine
