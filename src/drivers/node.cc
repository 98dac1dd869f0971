#include "drivers/node.h"

#include "base/ports/entropy.h"
#include "drivers/cluster/cluster_commands.h"
#include "drivers/replication/replication_commands.h"

namespace vigil::drivers {

namespace {

constexpr size_t kShards = 64;
constexpr size_t kClusterShards = 512;  // 32 slots each: what is done by slot looks at few others

keyspace::Keyspace::Options keyspaceOptions(const NodeOptions& options, Entropy& entropy) {
  keyspace::Keyspace::Options keyspace;
  const bool cluster = options.cluster.enabled.load();
  keyspace.shards = cluster ? kClusterShards : kShards;
  keyspace.slots = cluster;
  keyspace.databases = static_cast<size_t>(cluster ? options.clusterDatabases.load() : options.databases.load());
  keyspace.hashSeed = entropy.next64();
  return keyspace;
}

}  // namespace

Node::Node(const System& system, Logger& logger, NodeOptions& options)
    : engine_(system, logger, options.engine, keyspaceOptions(options, system.entropy),
              oplog::History{system.entropy.hex(40)}),
      spill_(system.files, "temp-log-" + std::to_string(options.rdb.processId.load()) + "-", 0),
      spillWriter_(system.tasks.makeSerial("vigil-spill", Urgency::kPrompt)),
      rdb_(engine_, options.rdb),
      aof_(engine_, options.aof, rdb_),
      replication_(engine_, options.replication, rdb_, options.rdb),
      migration_(engine_, [&options] {
        ConnectOptions how = options.engine.outgoing.connect();
        how.tls = options.cluster.tls.load();
        return how;
      }) {
  if (options.cluster.enabled.load()) cluster_.emplace(engine_, options.cluster, options.replication, replication_, rdb_);
}

Node::~Node() = default;

Status Node::start(const std::vector<EventLoop*>& workers, EventLoop& control) {
  engine_.addDataCommands();
  rdb_.registerCommands();
  aof_.registerCommands();
  replication_.registerCommands();
  migration_.registerCommands();
  engine_.addCommands(clusterConnectionCommands(), nullptr);
  if (cluster_) {
    engine_.addCommands(clusterCommands(), &*cluster_);
  } else {
    engine_.addCommands(clusterDisabledCommands(), nullptr);
  }
  engine_.state().loading.store(true);
  engine_.start(workers, control);
  if (auto s = engine_.acl().start(engine_.system().files); !s) return s;
  replication_.setFeedLimit([this] { return aof_.feedLimit(); });
  replication_.setDurable([this] { return aof_.enabled() ? aof_.synced() : -1; });
  replication_.replica().setListener(
      {.installed =
           [this] {
             aof_.rebaseHere();
             if (cluster_) cluster_->dataReplaced();
           },
        .historyChanged = [this] { aof_.historyChanged(); }});
  rdb_.setRecoveredHook([this] { replication_.recovered(); });
  aof_.setRecoveredHook([this] { replication_.recovered(); });
  useSpill();
  rdb_.start();
  aof_.start();
  if (cluster_) {
    if (auto s = cluster_->start(); !s) return s;
  }
  replication_.start();
  migration_.start();
  return {};
}

void Node::addCommandNames(command::CommandTable& table) {
  engine::Engine::addDataRows(table, nullptr);
  for (auto rows : {rdbCommands(), aofCommands(), replicationCommands(), failoverCommands(), migrationCommands(),
                    clusterConnectionCommands(), clusterCommands()}) {
    table.add(rows, nullptr);
  }
}

void Node::useSpill() {
  engine_.log().useSpill(&spill_, spillWriter_.get(), [this](const Error& error) {
    engine_.logger().warning("A reader of the replication log that is too slow for memory loses its place: " +
                             error.message);
  });
}

void Node::load(std::move_only_function<void(Status)> loaded) {
  auto then = [this, loaded = std::move(loaded)](Status status) mutable {
    if (status) replication_.run();
    if (status && cluster_) cluster_->run();
    loaded(std::move(status));
  };
  if (aof_.enabled()) {
    aof_.load(std::move(then));
  } else {
    rdb_.load(std::move(then));
  }
}

void Node::stop() {
  if (cluster_) cluster_->stop();
  migration_.stop();
  replication_.stop();
  rdb_.stop();
  aof_.stop();
  spillWriter_.reset();
  engine_.log().useSpill(nullptr, nullptr, nullptr);
  engine_.stop();
}

}  // namespace vigil::drivers
