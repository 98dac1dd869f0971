// enable-debug-command and enable-protected-configs: who may do what could harm the server.
#pragma once

#include <cstdint>

namespace vigil::command {
class Context;
}

namespace vigil::engine {

enum class Permission : uint8_t { kNobody = 0, kAnybody = 1, kLocal = 2 };  // kLocal: over loopback or a Unix socket

bool permits(Permission permission, command::Context& ctx);

}  // namespace vigil::engine
