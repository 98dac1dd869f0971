// FAILOVER carried out: pauses writes, waits until a replica has everything, becomes its replica, and takes the role back
// where that fails.
//
// start() and abort() with the world held; the rest on the control thread, apart from what any thread may ask.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "drivers/replication/master_driver.h"
#include "drivers/replication/replica_driver.h"
#include "drivers/replication/replication_options.h"
#include "engine/engine.h"
#include "replication/failover.h"

namespace vigil::drivers {

class FailoverDriver {
 public:
  FailoverDriver(engine::Engine& engine, ReplicationOptions& options, MasterDriver& master, ReplicaDriver& replica)
      : engine_(engine), options_(options), master_(master), replica_(replica) {}

  // An error's text as the client sees it, or empty. World held.
  std::string start(replication::FailoverRequest request);
  std::string abort();

  void progress();  // acknowledgements came, replicas came or went, time passed
  // What became of it: kHandOverAsked, kHandOverAnswered. False: it was given up before the target was asked.
  bool handOver(const replication::Effect& effect);

  // Any thread.
  bool active() const { return state_.load(std::memory_order_relaxed) != State::kNone; }
  // The target has everything and is told to take over, or was told.
  bool handingOver() const { return state_.load(std::memory_order_relaxed) == State::kInProgress; }
  std::string_view stateName() const { return replication::Failover::stateName(state_.load(std::memory_order_relaxed)); }

 private:
  using State = replication::Failover::State;
  using Event = replication::Failover::Event;

  replication::Effects step(const Event& event);
  void stepLater(Event event);
  bool mayHandOver(uint64_t number);
  void carryOut(const replication::Effects& effects);
  std::vector<replication::Failover::Peer> peers() const;

  engine::Engine& engine_;
  ReplicationOptions& options_;
  MasterDriver& master_;
  ReplicaDriver& replica_;
  std::atomic<State> state_{State::kNone};
  Mutex mutex_;  // a leaf
  replication::Failover core_ GUARDED_BY(mutex_);
};

}  // namespace vigil::drivers
