#include "engine/permission.h"

#include "command/context.h"
#include "engine/session.h"

namespace vigil::engine {

bool permits(Permission permission, command::Context& ctx) {
  if (permission != Permission::kLocal) return permission == Permission::kAnybody;
  const auto& info = static_cast<Session&>(ctx.session()).info;
  if (!info) return false;
  return (info->flags.load(std::memory_order_relaxed) & kClientUnixSocket) != 0 ||
         info->address.starts_with("127.0.0.1:") || info->address.starts_with("[::1]:");
}

}  // namespace vigil::engine
