// The options of a node: of all parts that a server and a simulated server have in common. What belongs to a process
// (listeners, log file, threads) is the application's.
#pragma once

#include <atomic>
#include <cstdint>

#include "drivers/cluster/cluster_options.h"
#include "drivers/persistence/aof_options.h"
#include "drivers/persistence/rdb_options.h"
#include "drivers/replication/replication_options.h"
#include "engine/options.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::drivers {

struct NodeOptions {
  NodeOptions() { engine.dumps.compression = &rdb.compression; }
  std::atomic<int64_t> databases{16};
  std::atomic<int64_t> clusterDatabases{1};  // instead of that, in a cluster
  engine::Options engine;
  RdbOptions rdb;
  ReplicationOptions replication;
  AofOptions aof;
  ClusterOptions cluster;
};

void registerOptions(ConfigRegistry& registry, NodeOptions& options);

}  // namespace vigil::drivers
