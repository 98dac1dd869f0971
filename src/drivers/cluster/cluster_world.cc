// What the cluster's core has done to data and roles: with the world held, on a worker.
#include "command/command_table.h"
#include "drivers/cluster/cluster_driver.h"
#include "engine/execution.h"
#include "engine/session.h"
#include "engine/worker.h"

namespace vigil::drivers {

using cluster::Event;

void ClusterDriver::inWorld(Task work) {
  {
    MutexLock guard(worldMutex_);
    worldWork_.push_back(std::move(work));
  }
  // Tasks that had to wait for the world may overtake each other; the work that they take does not.
  engine_.withWorld([this] {
    Task next;
    {
      MutexLock guard(worldMutex_);
      next = std::move(worldWork_.front());
      worldWork_.pop_front();
    }
    next();
  });
}

void ClusterDriver::route() {
  std::shared_ptr<const cluster::Routing> routing;
  {
    MutexLock guard(mutex_);
    routing = cluster::routingOf(core_->state(), options_.routingOptions());
  }
  engine_.setRouting(std::move(routing));
}

void ClusterDriver::follow(const Effect& effect) {
  linkedOnce_ = false;
  inWorld([this, master = MasterAddress{effect.address, effect.port}] {
    replication_.replica().follow(master, "the cluster");
  });
}

void ClusterDriver::promote() {
  inWorld([this] {
    if (engine_.state().replica.load()) replication_.replica().promote("the cluster", "failover");
  });
}

void ClusterDriver::dropSlots(const SlotSet& slots) {
  engine::Worker& worker = engine_.worker(0);
  engine::Execution& execution = worker.execution();
  if (engine_.state().replica.load()) return;  // its master does
  execution.locks().setWorld(true);
  slots.forEach([&](uint16_t slot) {
    for (size_t db = 0; engine_.keyspace().keysInSlot(slot) != 0 && db < engine_.keyspace().databaseCount(); ++db) {
      execution.dropSlot(static_cast<int>(db), slot, worker.now());
    }
  });
  execution.locks().setWorld(false);
}

void ClusterDriver::pauseWrites(int64_t milliseconds) {
  const UnixMs until = engine_.system().clock.wall() / 1000 + milliseconds;
  engine_.pause().set(engine::Pause::Purpose::kFailover, engine::Pause::Kind::kWrites, until);
  engine_.control().post([this] { onEvent({.kind = Event::Kind::kWritesPaused}); });
}

void ClusterDriver::resumeWrites() {
  engine_.pause().clear(engine::Pause::Purpose::kFailover);
  engine_.resumePaused();
}

void ClusterDriver::flushAll() {
  engine::Session session;
  engine::Worker& worker = engine_.worker(0);
  const std::string_view words[] = {"FLUSHALL"};
  worker.beginTrusted();
  worker.runTrusted(session, *engine_.commands().find("flushall"), words);
  worker.endTrusted();
}

}  // namespace vigil::drivers
