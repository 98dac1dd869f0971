// Carries out what the cluster's core decides: keeps nodes.conf, speaks on the bus, tells the engine whom it serves, and
// the replication whom to follow.
//
//   control thread:  ticks and the bus's events -> Cluster::step() -> effects, one after another:
//                    a durable save holds back all that stands behind it until it is on the disk
//   a worker:        what needs the world (routing, role, dropped slots), in the order in which it was asked for
//
// Commands that change something are steps too, answered when their effects have been carried out. What others only look
// at, they read under the core's lock, a leaf, on any thread.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/mutex.h"
#include "cluster/cluster.h"
#include "drivers/cluster/bus.h"
#include "drivers/cluster/cluster_options.h"
#include "drivers/cluster/nodes_file.h"
#include "drivers/cluster/slot_moves.h"
#include "drivers/replication/replication.h"
#include "engine/deferred_reply.h"
#include "engine/engine.h"

namespace vigil::drivers {

class ClusterDriver {
 public:
  ClusterDriver(engine::Engine& engine, ClusterOptions& options, ReplicationOptions& replicationOptions,
                Replication& replication, RdbDriver& rdb);

  // Before the loops run. The errors are for the log.
  Status start();  // what nodes.conf remembers; a replica then has its master configured
  Status listen();
  void run();   // any thread: the data set has been loaded
  void stop();  // the loops have stopped

  // Any thread: carries it out and answers.
  void request(cluster::Request request, std::shared_ptr<engine::DeferredReply> reply);
  // Any thread: decides on it, and carries it out later; the answer does not wait for that. Inside a transaction, which
  // cannot wait.
  cluster::Answer decide(const cluster::Request& request);

  // --- Atomic migrations ---
  // World held: a record of the log that this node continues.
  void noted(const cluster::MigrationRecord& record);
  // Any thread: the log that this node continues is another one, from its beginning.
  void dataReplaced();
  // Any thread.
  void tell(cluster::MigrationNews news);
  void bindImport(const std::string& job, engine::Worker& worker, uint64_t session) {
    moves_->bindSession(job, worker, session);
  }

  // Any thread: look(const cluster::Cluster&, cluster::Moment) under the core's lock.
  template <typename Look>
  auto look(Look look) const {
    const cluster::Moment at = now();
    MutexLock guard(mutex_);
    return look(std::as_const(*core_), at);
  }
  engine::Engine& engine() { return engine_; }
  const ClusterOptions& options() const { return options_; }
  void withBusLinks(std::function<void(std::vector<Bus::LinkFacts>)> use);  // on the control thread
  uint64_t linksOverLimit() const { return bus_->overLimit(); }

 private:
  using Effect = cluster::Effect;
  using Effects = cluster::Effects;

  void registerDebug();
  void killLinks(command::Context& ctx);
  cluster::Moment now() const;
  cluster::Surroundings surroundings();
  template <typename Run>
  void step(Run run);
  void onEvent(const cluster::Event& event);
  void tick();
  void scheduleWake();
  void add(Effects effects) REQUIRES(mutex_);
  void takePending();
  void carryOut();
  void carryOutOne(const Effect& effect);
  void persist(bool durable);
  void persisted(bool durable, const Status& status);
  void setDiskFails(bool fails);
  std::string confText();

  // What needs the world, first come, first served.
  void inWorld(Task work);
  void afterEffects(Task work);
  void follow(const Effect& effect);
  void promote();
  void route();  // world held, or before the loops run
  void dropSlots(const SlotSet& slots);
  void pauseWrites(int64_t milliseconds);
  void resumeWrites();
  void flushAll();
  void deliver(const Effect& effect);
  SlotSet slotsWithKeys() const;

  engine::Engine& engine_;
  ClusterOptions& options_;
  ReplicationOptions& replicationOptions_;
  Replication& replication_;
  RdbDriver& rdb_;
  NodesFile file_;
  std::optional<Bus> bus_;
  std::optional<SlotMoves> moves_;

  mutable Mutex mutex_;
  std::optional<cluster::Cluster> core_ GUARDED_BY(mutex_);
  cluster::Surroundings around_ GUARDED_BY(mutex_);  // as of the control thread's last step
  std::deque<Effect> pending_ GUARDED_BY(mutex_);     // in the order of the steps; the control thread carries them out

  // The control thread's.
  std::deque<std::variant<Effect, Task>> queue_;
  bool waitsForDisk_ = false;
  bool saving_ = false;
  bool saveAgain_ = false;
  bool retriesSave_ = false;  // of what nothing waits for
  MonoUs waitsSince_ = 0;     // for the disk
  // What others must not hear before it is on disk does not get there: this node may have been replaced meanwhile.
  std::atomic<bool> diskFails_{false};
  TimerId wakeTimer_ = 0;
  bool linkedOnce_ = false;

  Mutex worldMutex_;
  std::deque<Task> worldWork_ GUARDED_BY(worldMutex_);
};

}  // namespace vigil::drivers
