#include "base/text.h"
#include "command/context.h"
#include "drivers/replication/replication.h"
#include "drivers/replication/replication_commands.h"

namespace vigil::drivers {

using command::CommandSpec;
using command::Context;

namespace {

// FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]
struct Words {
  replication::FailoverRequest request;
  bool abort = false;
};

// False after an error reply.
bool parse(Context& ctx, Words& words) {
  auto& request = words.request;
  bool timeout = false;
  for (size_t i = 1; i < ctx.argc(); ++i) {
    const size_t left = ctx.argc() - i - 1;
    if (equalsIgnoreCase(ctx.arg(i), "timeout") && left >= 1 && !timeout) {
      auto milliseconds = parseInt64(ctx.arg(++i));
      if (!milliseconds) return ctx.reply().notInteger(), false;
      if (*milliseconds <= 0) return ctx.reply().error("ERR FAILOVER timeout must be greater than 0"), false;
      timeout = true;
      request.timeoutMs = *milliseconds;
    } else if (equalsIgnoreCase(ctx.arg(i), "abort") && ctx.argc() == 2) {
      words.abort = true;
    } else if (equalsIgnoreCase(ctx.arg(i), "to") && left >= 2 && !request.target) {
      auto port = parseInt64(ctx.arg(i + 2));
      if (!port) return ctx.reply().notInteger(), false;
      const bool valid = *port > 0 && *port <= 65535;
      request.target = MasterAddress{std::string(ctx.arg(i + 1)), static_cast<uint16_t>(valid ? *port : 0)};
      i += 2;
    } else if (equalsIgnoreCase(ctx.arg(i), "force") && !request.force) {
      request.force = true;
    } else {
      return ctx.reply().syntaxError(), false;
    }
  }
  return true;
}

void failover(Context& ctx) {
  if (ctx.owner<Replication>().engine().clusterMode()) {
    return ctx.reply().error("ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.");
  }
  Words words;
  if (!parse(ctx, words)) return;
  auto& driver = ctx.owner<Replication>().failover();
  std::string error = words.abort ? driver.abort() : driver.start(std::move(words.request));
  if (!error.empty()) return ctx.reply().error(error);
  ctx.reply().ok();
}

using namespace command;  // the flags of the row

constexpr CommandSpec kCommands[] = {
    {.name = "failover",
     .arity = -1,
     .flags = kAdmin | kNoscript | kStale | kWholeKeyspace,
     .categories = kCatAdmin | kCatDangerous,
     .handler = failover,
     .group = "server",
     .since = "6.2.0",
     .summary = "Starts a coordinated failover from a server to one of its replicas.",
     .complexity = "O(1)",
     .arguments = "[target:<host port:integer [FORCE]>=TO] [ABORT] [milliseconds:integer=TIMEOUT]"},
};

}  // namespace

std::span<const CommandSpec> failoverCommands() { return kCommands; }

}  // namespace vigil::drivers
