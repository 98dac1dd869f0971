// One node put together: the engine and the drivers around it, over whatever ports it is given. The server runs one
// over the machine's ports, the simulator many over virtual ones; so each part of a node is built, wired and started
// here, and nowhere else.
//
// Life: construct, start() with loops that do not run yet, let the loops run, load(), stop the loops, stop().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/log_line.h"
#include "base/ports/event_loop.h"
#include "base/ports/stream.h"
#include "base/ports/system.h"
#include "base/result.h"
#include "drivers/cluster/cluster_driver.h"
#include "drivers/migration/migration.h"
#include "drivers/node_options.h"
#include "drivers/persistence/aof.h"
#include "drivers/persistence/rdb_driver.h"
#include "drivers/replication/replication.h"
#include "engine/engine.h"
#include "oplog/spill.h"

namespace vigil::drivers {

class Node {
 public:
  // All of them must outlive the node.
  Node(const System& system, Logger& logger, NodeOptions& options);
  ~Node();

  // Registers commands, makes one worker per loop. The error is for the log. Clients hear LOADING until load() is done.
  Status start(const std::vector<EventLoop*>& workers, EventLoop& control);
  // What start() registers, by name alone, for whoever checks rename-command before there is a node.
  static void addCommandNames(command::CommandTable& table);
  // Opens the cluster bus, if there is a cluster. The error is for the log.
  Status listen() { return cluster_ ? cluster_->listen() : Status(); }
  // Loads what the disk holds. `loaded` is called on any thread, perhaps at once; its error is for the log, and the
  // node is to be stopped then.
  void load(std::move_only_function<void(Status)> loaded);
  // The loops have stopped: ends all sessions.
  void stop();

  // Any thread: a new client.
  void accept(std::unique_ptr<Stream> stream) { engine_.accept(std::move(stream)); }

  engine::Engine& engine() { return engine_; }
  RdbDriver& rdb() { return rdb_; }
  Replication& replication() { return replication_; }
  Aof& aof() { return aof_; }
  ClusterDriver* cluster() { return cluster_ ? &*cluster_ : nullptr; }

 private:
  void useSpill();

  engine::Engine engine_;
  oplog::Spill spill_;
  std::unique_ptr<SerialExecutor> spillWriter_;
  RdbDriver rdb_;
  Aof aof_;
  Replication replication_;
  Migration migration_;
  std::optional<ClusterDriver> cluster_;  // cluster-enabled
};

}  // namespace vigil::drivers
