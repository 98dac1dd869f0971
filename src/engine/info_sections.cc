#include "engine/info_sections.h"

#include <algorithm>

#include "engine/client_list.h"
#include "engine/engine.h"
#include "engine/info_registry.h"
#include "engine/statistics.h"
#include "engine/version.h"
#include "keyspace/access_clock.h"

namespace vigil::engine {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

void writeServer(InfoWriter& info, Engine& engine) {
  const ProcessFacts& process = engine.process();
  const UnixUs wall = engine.system().clock.wall();
  const int64_t up = (engine.system().clock.mono() - engine.startTime()) / 1'000'000;
  const int64_t hz = engine.options().hz.load(kRelaxed);
  info.field("redis_version", kRedisVersion);
  info.field("server_name", "vigil");
  info.field("vigil_version", kVigilVersion);
  info.field("redis_git_sha1", "00000000");
  info.number("redis_git_dirty", 0);
  info.field("redis_build_id", "vigil-" + std::string(kVigilVersion));
  info.field("redis_mode", engine.clusterMode() ? "cluster" : process.mode);
  info.field("os", process.operatingSystem);
  info.field("atomicvar_api", "c++-std");
  info.number("arch_bits", static_cast<int64_t>(sizeof(void*) * 8));
  info.field("monotonic_clock", process.monotonicClock);
  info.field("multiplexing_api", process.multiplexer);
  info.field("gcc_version", __VERSION__);
  info.number("process_id", process.processId);
  info.field("process_supervised", process.supervised);
  info.field("run_id", engine.runId());
  info.number("tcp_port", process.tcpPort());
  info.number("server_time_usec", wall);
  info.number("uptime_in_seconds", up);
  info.number("uptime_in_days", up / 86400);
  info.number("hz", hz);
  info.number("configured_hz", hz);
  info.number("lru_clock", keyspace::lruClock(wall / 1000));
  info.field("executable", process.executable);
  info.field("config_file", process.configFile);
  info.number("io_threads_active", engine.workerCount() > 1 ? 1 : 0);
  for (const ListenerFacts& listener : process.listeners()) {
    info.field("listener" + std::to_string(listener.number), listener.text);
  }
}

struct ClientSums {
  int64_t clients = 0;  // replicas not counted
  uint64_t largestInput = 0;
  uint64_t largestOutput = 0;
  int64_t subscribed = 0;
};

ClientSums sumsOf(Engine& engine) {
  ClientSums sums;
  for (const auto& client : engine.clients().all()) {
    const bool replica = typeOf(*client) == ClientType::kReplica;
    sums.clients += replica ? 0 : 1;
    sums.subscribed += (client->flags.load(kRelaxed) & kClientPubsub) != 0 ? 1 : 0;
    sums.largestInput = std::max(sums.largestInput, client->queryBuffer.load(kRelaxed));
    sums.largestOutput = std::max(sums.largestOutput, client->outputMemory.load(kRelaxed));
  }
  return sums;
}

int64_t blockedKeysOf(Engine& engine) {
  int64_t keys = 0;
  for (size_t shard = 0; shard < engine.keyspace().shardCount(); ++shard) keys += engine.shardState(shard).blockedKeys.load(kRelaxed);
  return keys;
}

void writeClients(InfoWriter& info, Engine& engine) {
  ClientSums sums = sumsOf(engine);
  info.number("connected_clients", sums.clients);
  info.number("cluster_connections", engine.state().clusterLinks.load(kRelaxed));
  info.number("maxclients", engine.options().maxClients.load(kRelaxed));
  info.number("client_recent_max_input_buffer", static_cast<int64_t>(sums.largestInput));
  info.number("client_recent_max_output_buffer", static_cast<int64_t>(sums.largestOutput));
  info.number("clients_in_timeout_table", engine.timedWaits());
  info.number("blocked_clients", engine.blockedClients());
  info.number("tracking_clients", engine.tracking().clientCount());
  info.number("pubsub_clients", sums.subscribed);
  info.number("total_blocking_keys", blockedKeysOf(engine));
  info.number("total_blocking_keys_on_nokey", 0);  // waited for to be gone: of streams' groups and modules
}

void writeCpu(InfoWriter& info, Engine& engine) {
  CpuTimes times = engine.process().cpuOfProcess();
  info.fixed("used_cpu_sys", times.system, 6);
  info.fixed("used_cpu_user", times.user, 6);
  info.fixed("used_cpu_sys_children", 0, 6);
  info.fixed("used_cpu_user_children", 0, 6);
  // No thread is the main one: these are the process's.
  info.fixed("used_cpu_sys_main_thread", times.system, 6);
  info.fixed("used_cpu_user_main_thread", times.user, 6);
}

void writeKeyspace(InfoWriter& info, Engine& engine) {
  const auto& keyspace = engine.keyspace();
  for (size_t i = 0; i < keyspace.databaseCount(); ++i) {
    size_t keys = keyspace.size(static_cast<int>(i));
    if (keys == 0) continue;
    const int db = static_cast<int>(i);
    const UnixMs mean = keyspace.meanExpiry(db);
    const UnixMs left = mean == 0 ? 0 : std::max<UnixMs>(0, mean - engine.system().clock.wall() / 1000);
    info.field("db" + std::to_string(i), "keys=" + std::to_string(keys) + ",expires=" +
                                             std::to_string(keyspace.withExpiry(db)) + ",avg_ttl=" + std::to_string(left));
  }
}

}  // namespace

void addEngineSections(InfoRegistry& info, Engine& engine) {
  info.add("server", "server", [&engine](InfoWriter& out) { writeServer(out, engine); });
  info.add("clients", "clients", [&engine](InfoWriter& out) { writeClients(out, engine); });
  addMemorySection(info, engine);
  info.add("cpu", "cpu", [&engine](InfoWriter& out) { writeCpu(out, engine); });
  info.add("cluster", "cluster",
           [&engine](InfoWriter& out) { out.number("cluster_enabled", engine.clusterMode() ? 1 : 0); });
  info.add("keyspace", "keyspace", [&engine](InfoWriter& out) { writeKeyspace(out, engine); });
}

}  // namespace vigil::engine
