#include "drivers/replication/replication.h"

#include "drivers/replication/replication_commands.h"
#include "engine/info_registry.h"

namespace vigil::drivers {

namespace {
constexpr MonoUs kTick = 100'000;
}

Replication::Replication(engine::Engine& engine, ReplicationOptions& options, RdbDriver& rdb,
                         const RdbOptions& rdbOptions)
    : engine_(engine),
      options_(options),
      master_(engine, options, rdb, rdbOptions),
      replica_(engine, options, rdb, master_),
      failover_(engine, options, master_, replica_),
      shutdownWait_(engine, options, master_) {
  master_.setAckListener([this] {
    failover_.progress();
    shutdownWait_.progress();
  });
  replica_.setHandOverListener([this](const replication::Effect& effect) { return failover_.handOver(effect); });
}

void Replication::registerCommands() {
  engine_.addCommands(replicationCommands(), this);
  engine_.addCommands(failoverCommands(), this);
  engine_.info().add("replication", "replication", [this](engine::InfoWriter& out) { writeInfo(out); });
  engine_.shutdown().add(shutdownWait_.step());
  static constexpr std::string_view kHelp[] = {
      "CHANGE-REPL-ID",
      "    Change the replication IDs of the instance.",
      "    Dangerous: should be used only for testing the replication subsystem.",
  };
  engine_.debug().add({"CHANGE-REPL-ID", 0, 0, kHelp, [this](command::Context& ctx) {
    engine_.logger().notice("Changing replication IDs after receiving change-repl-id");
    replica_.changeHistory();
    ctx.reply().ok();
  }});
  engine_.info().add("server", "shutdown", [this](engine::InfoWriter& out) {
    if (const int64_t left = shutdownWait_.millisecondsLeft(); left >= 0) out.number("shutdown_in_milliseconds", left);
  });
  engine_.info().add("stats", "syncs", [this](engine::InfoWriter& out) { writeSyncStatistics(out); });
}

void Replication::start() {
  options_.changed = [this] { optionsChanged(); };
  optionsChanged();
  replica_.becomeConfiguredRole();
}

// What was recovered from disk says where this node's history stands. The first replica that asks must find the log kept
// for it, or it would be given everything anew.
void Replication::recovered() {
  recovered_ = engine_.log().end() > 0 && engine_.log().active();
  if (recovered_) master_.needBacklog();
}

void Replication::run() {
  engine_.control().post([this] {
    replica_.followConfigured(recovered_);
    tick();
  });
}

void Replication::stop() {
  replica_.stop();
  master_.stop();
}

void Replication::tick() {
  engine_.control().after(kTick, [this] { tick(); });
  replica_.tick();
  master_.tick();
  failover_.progress();
  shutdownWait_.progress();
}

void Replication::optionsChanged() {
  engine_.state().replicaReadOnly.store(options_.readOnly.load());
  engine_.state().serveStaleData.store(options_.serveStaleData.load());
  engine_.log().setBacklogSize(static_cast<size_t>(options_.backlogSize.load()));
  engine_.log().setSpillLimit(static_cast<uint64_t>(options_.spillSize.load()));
  master_.updateNotEnough();
}

}  // namespace vigil::drivers
