// What INFO says of replication, field by field as Redis 7.2.
#include <algorithm>

#include "drivers/replication/replication.h"
#include "engine/info_registry.h"

namespace vigil::drivers {

namespace {

constexpr MonoUs kSecond = 1'000'000;

void writeReplica(engine::InfoWriter& out, const ReplicaDriver::View& view, const ReplicationOptions& options,
                  oplog::Offset end, MonoUs now) {
  out.field("master_host", view.master.host);
  out.number("master_port", view.master.port);
  out.field("master_link_status", view.linkUp ? "up" : "down");
  out.number("master_last_io_seconds_ago", view.linkUp ? std::max<MonoUs>(0, now - view.lastIo) / kSecond : -1);
  out.number("master_sync_in_progress", view.syncing ? 1 : 0);
  out.number("slave_read_repl_offset", view.received);
  out.number("slave_repl_offset", end);
  if (view.syncing) {
    int64_t total = std::max<int64_t>(0, view.transferLength);
    out.number("master_sync_total_bytes", total);
    out.number("master_sync_read_bytes", view.transferReceived);
    out.number("master_sync_left_bytes", view.transferLength < 0 ? -1 : total - view.transferReceived);
    out.fixed("master_sync_perc",
              total > 0 ? 100.0 * static_cast<double>(view.transferReceived) / static_cast<double>(total) : 0, 2);
    out.number("master_sync_last_io_seconds_ago", std::max<MonoUs>(0, now - view.lastIo) / kSecond);
  }
  if (view.refusesEmptyMaster) out.field("master_refused", "empty");
  if (!view.linkUp) {  // -1: it was never up; a Sentinel will not promote us
    out.number("master_link_down_since_seconds",
               view.downSince == 0 ? -1 : std::max<MonoUs>(0, now - view.downSince) / kSecond);
  }
  out.number("slave_priority", options.priority.load());
  out.number("slave_read_only", options.readOnly.load() ? 1 : 0);
  out.number("replica_announced", options.announced.load() ? 1 : 0);
}

}  // namespace

void Replication::writeInfo(engine::InfoWriter& out) const {
  const MonoUs now = engine_.system().clock.mono();
  oplog::Log& log = engine_.log();
  const oplog::Offset end = log.end();
  auto view = replica_.view();
  out.field("role", view.replica ? "slave" : "master");
  if (view.replica) writeReplica(out, view, options_, end, now);
  auto replicas = master_.replicas();
  out.number("connected_slaves", static_cast<int64_t>(replicas.size()));
  if (options_.minReplicas.load() > 0 && options_.minReplicasMaxLag.load() > 0) {
    out.number("min_slaves_good_slaves", static_cast<int64_t>(master_.goodReplicas()));
  }
  // Our own, behind Redis's fields: how far each replica is behind, in the same order.
  const auto writeLags = [&] {
    int64_t number = 0;
    for (const auto& replica : replicas) {
      const auto lag = master_.lagOf(replica);
      out.field("replica_lag" + std::to_string(number++),
                "bytes=" + std::to_string(lag.bytes) + ",milliseconds=" + std::to_string(lag.milliseconds));
    }
  };
  int64_t number = 0;
  for (const auto& replica : replicas) {
    int64_t lag = replica.state == replication::ReplicaState::kOnline ? (now - replica.lastAck) / kSecond : 0;
    out.field("slave" + std::to_string(number++),
               "ip=" + replica.host() + ",port=" + std::to_string(replica.traits.listeningPort) +
                   ",state=" + std::string(replica.stateName()) + ",offset=" + std::to_string(replica.acked) +
                   ",lag=" + std::to_string(lag));
  }
  oplog::History history = log.history();
  out.field("master_failover_state", failover_.stateName());
  out.field("master_replid", history.id);
  out.field("master_replid2", history.previousId);
  out.number("master_repl_offset", end);
  out.number("second_repl_offset", history.previousEnd);
  const bool backlog = master_.backlogActive();
  const oplog::Offset start = backlog ? log.start() : 0;
  out.number("repl_backlog_active", backlog ? 1 : 0);
  out.number("repl_backlog_size", options_.backlogSize.load());
  out.number("repl_backlog_first_byte_offset", backlog ? start + 1 : 0);
  out.number("repl_backlog_histlen", backlog ? end - start : 0);
  writeLags();
  out.number("repl_spilled_bytes", static_cast<int64_t>(log.spilled()));
}

void Replication::writeSyncStatistics(engine::InfoWriter& out) const {
  out.number("sync_full", master_.fullSyncs());
  out.number("sync_partial_ok", master_.partialSyncs());
  out.number("sync_partial_err", master_.refusedPartialSyncs());
}

}  // namespace vigil::drivers
