// The engine's rows of CONFIG.
#pragma once

namespace vigil {
class ConfigRegistry;
}

namespace vigil::engine {

struct Options;

void registerOptions(ConfigRegistry& registry, Options& options);

}  // namespace vigil::engine
