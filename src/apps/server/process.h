// What INFO says about this process and its machine.
#pragma once

#include "engine/process_facts.h"

namespace vigil::apps {

// All but what the configuration and the listeners know.
void fillProcessFacts(engine::ProcessFacts& facts);

}  // namespace vigil::apps
