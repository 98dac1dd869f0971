// What INFO says of replication, field by field as Redis 7.2.
#include <algorithm>

#include "drivers/replication/replication.h"

namespace vigil::drivers {

namespace {

constexpr MonoUs kSecond = 1'000'000;

void field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(":").append(value).append("\r\n");
}
void field(std::string& out, std::string_view name, int64_t value) { field(out, name, std::to_string(value)); }

void appendReplicaFields(std::string& out, const ReplicaDriver::View& view, const ReplicationOptions& options,
                         oplog::Offset end, MonoUs now) {
  field(out, "master_host", view.master.host);
  field(out, "master_port", view.master.port);
  field(out, "master_link_status", view.linkUp ? "up" : "down");
  field(out, "master_last_io_seconds_ago", view.linkUp ? std::max<MonoUs>(0, now - view.lastIo) / kSecond : -1);
  field(out, "master_sync_in_progress", view.syncing ? 1 : 0);
  field(out, "slave_read_repl_offset", view.received);
  field(out, "slave_repl_offset", end);
  if (view.syncing) {
    int64_t total = std::max<int64_t>(0, view.transferLength);
    field(out, "master_sync_total_bytes", total);
    field(out, "master_sync_read_bytes", view.transferReceived);
    field(out, "master_sync_left_bytes", view.transferLength < 0 ? -1 : total - view.transferReceived);
    char percent[32];
    std::snprintf(percent, sizeof percent, "%.2f",
                  total > 0 ? 100.0 * static_cast<double>(view.transferReceived) / static_cast<double>(total) : 0.0);
    field(out, "master_sync_perc", percent);
    field(out, "master_sync_last_io_seconds_ago", std::max<MonoUs>(0, now - view.lastIo) / kSecond);
  }
  if (!view.linkUp) field(out, "master_link_down_since_seconds", std::max<MonoUs>(0, now - view.downSince) / kSecond);
  field(out, "slave_priority", options.priority.load());
  field(out, "slave_read_only", options.readOnly.load() ? 1 : 0);
  field(out, "replica_announced", options.announced.load() ? 1 : 0);
}

}  // namespace

void Replication::appendReplicationInfo(std::string& out) const {
  const MonoUs now = engine_.system().clock.mono();
  oplog::Log& log = engine_.log();
  const oplog::Offset end = log.end();
  auto view = replica_.view();
  out += "# Replication\r\n";
  field(out, "role", view.replica ? "slave" : "master");
  if (view.replica) appendReplicaFields(out, view, options_, end, now);
  auto replicas = master_.replicas();
  field(out, "connected_slaves", static_cast<int64_t>(replicas.size()));
  if (options_.minReplicas.load() > 0 && options_.minReplicasMaxLag.load() > 0) {
    field(out, "min_slaves_good_slaves", static_cast<int64_t>(master_.goodReplicas()));
  }
  int64_t number = 0;
  for (const auto& replica : replicas) {
    int64_t lag = replica.state == replication::ReplicaState::kOnline ? (now - replica.lastAck) / kSecond : 0;
    field(out, "slave" + std::to_string(number++),
          "ip=" + replica.host() + ",port=" + std::to_string(replica.traits.listeningPort) +
              ",state=" + std::string(replica.stateName()) + ",offset=" + std::to_string(replica.acked) +
              ",lag=" + std::to_string(lag));
  }
  oplog::History history = log.history();
  field(out, "master_failover_state", "no-failover");
  field(out, "master_replid", history.id);
  field(out, "master_replid2", history.previousId);
  field(out, "master_repl_offset", end);
  field(out, "second_repl_offset", history.previousEnd);
  const bool backlog = master_.backlogActive();
  const oplog::Offset start = backlog ? log.start() : 0;
  field(out, "repl_backlog_active", backlog ? 1 : 0);
  field(out, "repl_backlog_size", options_.backlogSize.load());
  field(out, "repl_backlog_first_byte_offset", backlog ? start + 1 : 0);
  field(out, "repl_backlog_histlen", backlog ? end - start : 0);
}

void Replication::appendSyncStats(std::string& out) const {
  field(out, "sync_full", master_.fullSyncs());
  field(out, "sync_partial_ok", master_.partialSyncs());
  field(out, "sync_partial_err", master_.refusedPartialSyncs());
}

}  // namespace vigil::drivers
