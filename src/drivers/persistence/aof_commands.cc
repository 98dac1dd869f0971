// BGREWRITEAOF, and the AOF's part of INFO.
#include "command/context.h"
#include "command/spec.h"
#include "drivers/persistence/aof.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/info_registry.h"
#include "keyspace/keyspace.h"

namespace vigil::drivers {

namespace {

void bgrewriteaof(command::Context& context) {
  auto& aof = context.owner<Aof>();
  if (aof.status().rewriteInProgress) {
    return context.reply().error("ERR Background append only file rewriting already in progress");
  }
  if (static_cast<engine::Execution&>(context).inTransaction() || context.keyspace().hiddenSlots().any()) {
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

std::span<const command::CommandSpec> aofCommands() { return kCommands; }

void Aof::registerCommands() {
  engine_.addCommands(aofCommands(), this);
  addDebug();
  engine_.info().add("persistence", "aof", [this](engine::InfoWriter& out) { writeInfo(out); });
}

void Aof::writeInfo(engine::InfoWriter& out) const {
  const AofStatus now = status();
  out.number("aof_enabled", now.enabled ? 1 : 0);
  out.number("aof_rewrite_in_progress", now.rewriteInProgress ? 1 : 0);
  out.number("aof_rewrite_scheduled", now.rewriteScheduled ? 1 : 0);
  out.number("aof_last_rewrite_time_sec", now.lastRewriteSeconds);
  out.number("aof_current_rewrite_time_sec", now.currentRewriteSeconds);
  out.field("aof_last_bgrewrite_status", now.lastRewriteOk ? "ok" : "err");
  out.number("aof_rewrites", now.rewrites);
  out.number("aof_rewrites_consecutive_failures", now.consecutiveFailures);
  out.field("aof_last_write_status", now.lastWriteOk ? "ok" : "err");
  out.number("aof_last_cow_size", 0);
  out.number("module_fork_in_progress", 0);
  out.number("module_fork_last_cow_size", 0);
  if (!now.enabled) return;
  out.number("aof_current_size", static_cast<int64_t>(now.currentSize));
  out.number("aof_base_size", static_cast<int64_t>(now.baseSize));
  out.number("aof_pending_rewrite", 0);
  out.number("aof_buffer_length", static_cast<int64_t>(now.bufferLength));
  out.number("aof_pending_bio_fsync", now.pendingSync ? 1 : 0);
  out.number("aof_delayed_fsync", now.delayedSyncs);
}

}  // namespace vigil::drivers
