// What INFO says about this process and its machine, and what the machine lets us have.
#pragma once

#include "apps/server/server_options.h"
#include "engine/process_facts.h"

namespace vigil::apps {

// All but what the configuration and the listeners know.
void fillProcessFacts(engine::ProcessFacts& facts, runtime::PollerKind reactor);

// The reactor that was asked for; where the machine does not have it, epoll, and the log says why.
runtime::PollerKind chooseReactor(const ServerOptions& options, Logger& logger);

}  // namespace vigil::apps
