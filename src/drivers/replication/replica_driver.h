// Carries out what the replica's side of replication decides: connects to the master, loads what it sends beside the
// old data, swaps it in with the world held, and lets a worker apply its stream.
//
//   control thread:  MasterConnection (handshake, transfer) --> executor: SnapshotLoader
//   a worker:        (world held) install -> MasterStream
//
// The role changes with the world held; the core is stepped under a leaf lock, from the control thread and, for
// REPLICAOF, from a worker that holds the world. What is to be done to the connection is posted to the control thread
// in the order of the steps; events and tasks of an attempt that does not count any more are dropped.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "drivers/persistence/rdb_driver.h"
#include "drivers/replication/master_connection.h"
#include "drivers/replication/master_driver.h"
#include "drivers/replication/master_stream.h"
#include "drivers/replication/replication_options.h"
#include "drivers/replication/snapshot_loader.h"
#include "engine/engine.h"
#include "replication/replica_link.h"

namespace vigil::drivers {

class ReplicaDriver final : public MasterStream::Owner {
 public:
  ReplicaDriver(engine::Engine& engine, ReplicationOptions& options, RdbDriver& rdb, MasterDriver& masterSide);
  ~ReplicaDriver() override;

  // Who must hear what replication does to data and log; both are called with the world held. Set up before start().
  struct Listener {
    std::function<void()> installed;       // a full resync has replaced keyspace and log
    std::function<void()> historyChanged;  // the log goes on under another id
  };
  void setListener(Listener listener) { listener_ = std::move(listener); }

  // Before the loops run: a configured master makes this node a replica, which has nothing to offer yet.
  void becomeConfiguredRole();
  // Control thread, when the data set has been loaded: follows the configured master.
  void followConfigured(bool hasHistory);
  void tick();
  void stop();  // the loops have stopped

  // World held: REPLICAOF. `who`: the client, for the log. False if that master is followed already.
  bool follow(const MasterAddress& master, std::string who);
  void promote(std::string who, std::string_view request = "user request");
  void handOver(const MasterAddress& target);  // FAILOVER: that replica of ours is to become our master
  void changeHistory();                        // DEBUG CHANGE-REPL-ID; world held

  // Hears on the control thread what becomes of a hand-over (kHandOverAsked, kHandOverAnswered); false: it was given
  // up, the target is not to be asked. Set up before start().
  using HandOverListener = std::function<bool(const replication::Effect&)>;
  void setHandOverListener(HandOverListener listener) { handOver_ = std::move(listener); }

  // What others see; any thread.
  struct View {
    bool replica = false;
    MasterAddress master;
    std::string_view state;  // as ROLE names it
    bool linkUp = false;
    bool syncing = false;
    bool refusesEmptyMaster = false;
    int64_t transferLength = -1;
    int64_t transferReceived = 0;
    MonoUs lastIo = 0;
    MonoUs downSince = 0;
    oplog::Offset received = 0;
  };
  View view() const;

 private:
  Listener listener_;
  HandOverListener handOver_;
  using Link = replication::ReplicaLink;
  using Effect = replication::Effect;
  using Effects = replication::Effects;
  using LinkEvent = replication::LinkEvent;

  // `attempt`: which one of the link stands after it.
  Effects step(const LinkEvent& event, uint64_t* attempt = nullptr);
  void tickInWorld(uint64_t attempt);
  void hearStream() REQUIRES(mutex_);
  void onEvent(LinkEvent event);
  void carryOut(Effects effects, uint64_t attempt);
  void inWorld(const Effects& effects, SnapshotLoader* loaded);
  void onControl(const Effects& effects);
  void connect(const Effect& effect);
  void disconnect();
  void receiveSnapshot(uint64_t attempt);
  void transferComplete(uint64_t attempt);
  void loadEnded(uint64_t attempt, std::shared_ptr<SnapshotLoader> loader, Status status);
  void setHistory(const oplog::History& history);
  void install(const Effect& effect, SnapshotLoader& loaded);
  void startStream();

  // --- MasterStream::Owner ---
  oplog::Offset durable() const override { return masterSide_.durableHere(); }
  bool endsOnPropagationError() const override {
    return options_.propagationErrors.load() != PropagationErrors::kIgnore;
  }
  bool isLive(uint64_t attempt) const override { return liveAttempt_.load() == attempt; }
  void streamEnded(uint64_t attempt, MasterStream::Ending ending, std::string why) override;

  engine::Engine& engine_;
  ReplicationOptions& options_;
  RdbDriver& rdb_;
  MasterDriver& masterSide_;
  std::unique_ptr<SerialExecutor> executor_;
  std::atomic<uint64_t> liveAttempt_{0};
  std::atomic<bool> installed_{false};  // a full resync has come to its end, and no stream has begun since

  mutable Mutex mutex_;
  std::unique_ptr<Link> link_ GUARDED_BY(mutex_);
  std::shared_ptr<MasterStream> stream_ GUARDED_BY(mutex_);
  int64_t transferLength_ GUARDED_BY(mutex_) = -1;
  int64_t transferReceived_ GUARDED_BY(mutex_) = 0;

  // The control thread's.
  std::unique_ptr<MasterConnection> connection_;
  uint64_t connectionAttempt_ = 0;
  std::shared_ptr<SnapshotLoader> loader_;
  MonoUs lastKeepAlive_ = 0;
};

}  // namespace vigil::drivers
