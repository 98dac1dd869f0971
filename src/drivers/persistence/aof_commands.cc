// BGREWRITEAOF.
#include "command/context.h"
#include "command/spec.h"
#include "drivers/persistence/aof.h"
#include "engine/engine.h"
#include "engine/execution.h"

namespace vigil::drivers {

namespace {

void bgrewriteaof(command::Context& context) {
  auto& aof = context.owner<Aof>();
  if (aof.status().rewriteInProgress) {
    return context.reply().error("ERR Background append only file rewriting already in progress");
  }
  if (static_cast<engine::Execution&>(context).inTransaction()) {
    aof.scheduleRewrite();
    return context.reply().simple("Background append only file rewriting scheduled");
  }
  if (auto started = aof.rewrite(); !started) return context.reply().error("ERR " + started.error().message);
  context.reply().simple("Background append only file rewriting started");
}

constexpr command::CommandSpec kCommands[] = {
    {.name = "bgrewriteaof",
     .arity = 1,
     .flags = command::kAdmin | command::kNoscript | command::kNoAsyncLoading | command::kNoLocks,
     .handler = bgrewriteaof,
     .group = "server",
     .since = "1.0.0",
     .summary = "Asynchronously rewrite the append-only file",
     .complexity = "O(1)"},
};

}  // namespace

void Aof::registerCommands() { engine_.addCommands(kCommands, this); }

}  // namespace vigil::drivers
