#include <cstdio>

#include "base/text.h"
#include "command/command_table.h"
#include "engine/engine.h"
#include "engine/info_registry.h"
#include "engine/info_sections.h"
#include "engine/statistics.h"

namespace vigil::engine {

namespace {

double kilobytes(int64_t bytes) { return static_cast<double>(bytes) / 1024; }

void writeTraffic(InfoWriter& info, Engine& engine) {
  Statistics& counted = engine.statistics();
  info.number("total_connections_received", counted.since(&WorkerStats::connections));
  info.number("total_commands_processed", counted.since(&WorkerStats::commands));
  info.number("instantaneous_ops_per_sec", counted.commandsPerSecond());
  info.number("total_net_input_bytes", counted.since(&WorkerStats::netInput) + counted.replicationInput());
  info.number("total_net_output_bytes", counted.since(&WorkerStats::netOutput) + counted.replicationOutput());
}

void writeRates(InfoWriter& info, Engine& engine) {
  Statistics& counted = engine.statistics();
  info.fixed("instantaneous_input_kbps", kilobytes(counted.inputPerSecond() + counted.replicationInputPerSecond()), 2);
  info.fixed("instantaneous_output_kbps", kilobytes(counted.outputPerSecond() + counted.replicationOutputPerSecond()), 2);
}

void writeKeyEvents(InfoWriter& info, Engine& engine) {
  Statistics& counted = engine.statistics();
  auto keyspace = counted.keyspace();
  info.number("expired_keys", static_cast<int64_t>(keyspace.expired));
  info.number("expired_time_cap_reached_count", counted.since(&WorkerStats::expireCyclesCut));
  // The expiry index is exact: no key that has expired is met by chance or missed.
  info.fixed("expired_stale_perc", 0, 2);
  info.number("expire_cycle_cpu_milliseconds", counted.since(&WorkerStats::upkeepUs) / 1000);
  info.number("evicted_keys", static_cast<int64_t>(keyspace.evicted));
  info.number("total_eviction_exceeded_time", counted.evictionExceededUs() / 1000);
  info.number("current_eviction_exceeded_time", engine.memoryLimit().exceededNowUs() / 1000);
  // What Redis has and this server has not: defragmentation, threads for I/O alone. And what is not counted yet: payloads
  // that were checked (all are), keys that a writable replica gave a time to live.
  for (const char* name : {"total_active_defrag_time", "current_active_defrag_time", "active_defrag_hits",
                           "active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses",
                           "io_threaded_reads_processed", "io_threaded_writes_processed", "dump_payload_sanitizations",
                           "slave_expires_tracked_keys"}) {
    info.number(name, 0);
  }
  info.number("reply_buffer_shrinks", counted.since(&WorkerStats::outputTrims));
  info.number("reply_buffer_expands", 0);  // they grow with what they hold
  info.number("evicted_clients", counted.since(&WorkerStats::evictedClients));
  info.number("keyspace_hits", static_cast<int64_t>(keyspace.hits));
  info.number("keyspace_misses", static_cast<int64_t>(keyspace.misses));
}

// Of the workers' loops together.
void writeLoops(InfoWriter& info, Engine& engine) {
  Statistics& counted = engine.statistics();
  int64_t commands = 0;
  for (const CommandTotals& total : counted.commands()) commands += total.nanoseconds;
  info.number("eventloop_cycles", counted.since(&WorkerStats::turns));
  info.number("eventloop_duration_sum", counted.since(&WorkerStats::turnsUs));
  info.number("eventloop_duration_cmd_sum", commands / 1000);
  const int64_t turns = counted.turnsPerSecond();
  info.number("instantaneous_eventloop_cycles_per_sec", turns);
  info.number("instantaneous_eventloop_duration_usec", turns == 0 ? 0 : counted.turnTimePerSecond() / turns);
}

void writeErrors(InfoWriter& info, Engine& engine) {
  Statistics& counted = engine.statistics();
  for (auto [name, reason] : {std::pair{"acl_access_denied_auth", acl::DenialReason::kAuth},
                              {"acl_access_denied_cmd", acl::DenialReason::kCommand},
                              {"acl_access_denied_key", acl::DenialReason::kKey},
                              {"acl_access_denied_channel", acl::DenialReason::kChannel}}) {
    info.number(name, engine.acl().log().denied(reason));
  }
  info.number("unexpected_error_replies", counted.since(&WorkerStats::unexpectedErrors));
  info.number("total_error_replies", counted.since(&WorkerStats::errorReplies));
  info.number("total_reads_processed", counted.since(&WorkerStats::reads));
  info.number("total_writes_processed", counted.since(&WorkerStats::writes));
  info.number("client_query_buffer_limit_disconnections", counted.since(&WorkerStats::queryBufferLimitDisconnections));
  info.number("client_output_buffer_limit_disconnections",
              counted.since(&WorkerStats::outputBufferLimitDisconnections));
}

void writeCommand(InfoWriter& info, const command::CommandEntry& entry, const std::vector<CommandTotals>& totals) {
  const CommandTotals& total = totals[entry.index];
  if (total.calls == 0 && total.rejected == 0 && total.failed == 0) return;
  const int64_t microseconds = total.nanoseconds / 1000;
  const double perCall = total.calls == 0 ? 0 : static_cast<double>(microseconds) / static_cast<double>(total.calls);
  char text[160];
  int length =
      std::snprintf(text, sizeof text, "calls=%lld,usec=%lld,usec_per_call=%.2f,rejected_calls=%lld,failed_calls=%lld",
                    static_cast<long long>(total.calls), static_cast<long long>(microseconds), perCall,
                    static_cast<long long>(total.rejected), static_cast<long long>(total.failed));
  info.field("cmdstat_" + entry.fullName, {text, static_cast<size_t>(length)});
}

void writeCommands(InfoWriter& info, Engine& engine) {
  auto totals = engine.statistics().commands();
  for (const auto& entry : engine.commands().entries()) {
    writeCommand(info, *entry, totals);
    for (const auto& subcommand : entry->subcommands) writeCommand(info, *subcommand, totals);
  }
}

// "p99.9=12.031", in microseconds.
std::string percentileText(const ds::LatencyDistribution& distribution, double percent) {
  char text[64];
  int length = std::snprintf(text, sizeof text, "p%s=%.3f", formatDouble(percent).c_str(),
                             static_cast<double>(distribution.percentile(percent)) / 1000);
  return std::string(text, static_cast<size_t>(length));
}

void writeLatency(InfoWriter& info, Engine& engine, const command::CommandEntry& entry,
                  const std::vector<double>& percentiles) {
  const auto distribution = engine.statistics().latency(entry.index);
  if (distribution.empty()) return;
  std::string text;
  for (double percent : percentiles) {
    if (!text.empty()) text += ',';
    text += percentileText(distribution, percent);
  }
  info.field("latency_percentiles_usec_" + entry.fullName, text);
}

void writeLatencies(InfoWriter& info, Engine& engine) {
  const MonitoringOptions& options = engine.options().monitoring;
  if (!options.latencyTracking.load(std::memory_order_relaxed)) return;
  const auto percentiles = options.percentiles.load();
  for (const auto& entry : engine.commands().entries()) {
    writeLatency(info, engine, *entry, percentiles);
    for (const auto& subcommand : entry->subcommands) writeLatency(info, engine, *subcommand, percentiles);
  }
}

}  // namespace

void addStatisticsSections(InfoRegistry& info, Engine& engine) {
  info.add("stats", "traffic", [&engine](InfoWriter& out) { writeTraffic(out, engine); });
  info.add("stats", "replication traffic", [&engine](InfoWriter& out) {
    out.number("total_net_repl_input_bytes", engine.statistics().replicationInput());
    out.number("total_net_repl_output_bytes", engine.statistics().replicationOutput());
  });
  info.add("stats", "rates", [&engine](InfoWriter& out) { writeRates(out, engine); });
  info.add("stats", "replication rates", [&engine](InfoWriter& out) {
    out.fixed("instantaneous_input_repl_kbps", kilobytes(engine.statistics().replicationInputPerSecond()), 2);
    out.fixed("instantaneous_output_repl_kbps", kilobytes(engine.statistics().replicationOutputPerSecond()), 2);
  });
  info.add("stats", "rejected connections", [&engine](InfoWriter& out) {
    out.number("rejected_connections", engine.statistics().rejectedConnections());
  });
  info.add("stats", "syncs", [](InfoWriter& out) {
    out.number("sync_full", 0);
    out.number("sync_partial_ok", 0);
    out.number("sync_partial_err", 0);
  });
  info.add("stats", "keys", [&engine](InfoWriter& out) { writeKeyEvents(out, engine); });
  info.add("stats", "pubsub", [&engine](InfoWriter& out) {
    out.number("pubsub_channels", engine.pubsub().channelCount(PubSub::Space::kChannels));
    out.number("pubsub_patterns", engine.pubsub().patternCount());
    out.number("pubsubshard_channels", engine.pubsub().channelCount(PubSub::Space::kShardChannels));
  });
  info.add("stats", "forks", [](InfoWriter& out) {  // there is no fork, ever
    out.number("latest_fork_usec", 0);
    out.number("total_forks", 0);
  });
  info.add("stats", "tracking", [&engine](InfoWriter& out) {
    out.number("migrate_cached_sockets", engine.state().migrateSockets.load(std::memory_order_relaxed));
    out.number("tracking_total_keys", engine.tracking().keyCount());
    out.number("tracking_total_items", engine.tracking().pairCount());
    out.number("tracking_total_prefixes", engine.tracking().prefixCount());
  });
  info.add("stats", "errors", [&engine](InfoWriter& out) { writeErrors(out, engine); });
  info.add("stats", "loops", [&engine](InfoWriter& out) { writeLoops(out, engine); });
  info.add("commandstats", "commands", [&engine](InfoWriter& out) { writeCommands(out, engine); });
  info.add("latencystats", "commands", [&engine](InfoWriter& out) { writeLatencies(out, engine); });
  info.add("errorstats", "errors", [&engine](InfoWriter& out) {
    for (const auto& [code, count] : engine.statistics().errors()) {
      out.field("errorstat_" + code, "count=" + std::to_string(count));
    }
  });
}

void addDefaultSections(InfoRegistry& info, Engine& engine) {
  info.add("persistence", "loading", [&engine](InfoWriter& out) {
    out.number("loading", engine.state().loading.load(std::memory_order_relaxed) ? 1 : 0);
    out.number("async_loading", 0);
  });
  info.add("persistence", "rdb", [&engine](InfoWriter& out) {
    out.number("rdb_changes_since_last_save", engine.dirty());
    out.number("rdb_bgsave_in_progress", 0);
    out.number("rdb_last_save_time", engine.startWallTime() / 1'000'000);
    out.field("rdb_last_bgsave_status", "ok");
    out.number("rdb_last_bgsave_time_sec", -1);
    out.number("rdb_current_bgsave_time_sec", -1);
    out.number("rdb_saves", 0);
  });
  info.add("persistence", "aof", [](InfoWriter& out) {
    out.number("aof_enabled", 0);
    out.number("aof_rewrite_in_progress", 0);
    out.number("aof_rewrite_scheduled", 0);
    out.number("aof_last_rewrite_time_sec", -1);
    out.number("aof_current_rewrite_time_sec", -1);
    out.field("aof_last_bgrewrite_status", "ok");
    out.field("aof_last_write_status", "ok");
  });
  info.add("replication", "replication", [&engine](InfoWriter& out) {
    oplog::History history = engine.log().history();
    out.field("role", "master");
    out.number("connected_slaves", 0);
    out.field("master_failover_state", "no-failover");
    out.field("master_replid", history.id);
    out.field("master_replid2", history.previousId);
    out.number("master_repl_offset", engine.log().end());
    out.number("second_repl_offset", history.previousEnd);
    out.number("repl_backlog_active", 0);
    out.number("repl_backlog_size", static_cast<int64_t>(engine.log().backlogSize()));
    out.number("repl_backlog_first_byte_offset", 0);
    out.number("repl_backlog_histlen", 0);
  });
}

}  // namespace vigil::engine
