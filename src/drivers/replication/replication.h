// Replication of a node: both sides of it, its commands (REPLICAOF, PSYNC, REPLCONF, ROLE, WAIT …), and its parts of
// INFO.
//
// Life: construct, registerCommands() before Engine::start(), start() before the loops run, recovered() when the data set
// has been loaded and nobody has seen it yet, run() then, stop() when the loops have stopped.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "drivers/persistence/rdb_options.h"
#include "drivers/replication/failover_driver.h"
#include "drivers/replication/master_driver.h"
#include "drivers/replication/replica_driver.h"
#include "drivers/replication/replication_options.h"
#include "drivers/replication/shutdown_wait.h"

namespace vigil::engine {
class InfoWriter;
}

namespace vigil::drivers {

class Replication {
 public:
  Replication(engine::Engine& engine, ReplicationOptions& options, RdbDriver& rdb, const RdbOptions& rdbOptions);

  void registerCommands();
  void start();
  void recovered();  // world held
  void run();        // any thread
  void stop();

  // How far replicas may be sent the log; set up before start(). Whoever moves it calls Log::pump().
  void setFeedLimit(std::function<oplog::Offset()> limit) { master_.setFeedLimit(std::move(limit)); }

  // Up to where the AOF is on the disk, -1: there is none. Set up before start().
  void setDurable(std::function<oplog::Offset()> durable) { master_.setDurable(std::move(durable)); }

  engine::Engine& engine() { return engine_; }
  MasterDriver& master() { return master_; }
  ReplicaDriver& replica() { return replica_; }
  FailoverDriver& failover() { return failover_; }

 private:
  // Parts of INFO; any thread.
  void writeInfo(engine::InfoWriter& out) const;
  void writeSyncStatistics(engine::InfoWriter& out) const;
  void tick();
  void optionsChanged();

  engine::Engine& engine_;
  ReplicationOptions& options_;
  MasterDriver master_;
  ReplicaDriver replica_;
  FailoverDriver failover_;
  ShutdownWait shutdownWait_;
  bool recovered_ = false;  // before run(): the disk told where in which history the data stands
};

}  // namespace vigil::drivers
