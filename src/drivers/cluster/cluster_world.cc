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
  if (diskFails_.load()) {
    auto down = std::make_shared<cluster::Routing>(*routing);
    down->up = false;
    routing = std::move(down);
  }
  auto& held = engine_.keyspace().heldSlots();
  const bool wasHeld = held.any();
  held.clear();
  held.add(routing->held);
  SlotSet mine;
  for (uint16_t slot = 0; slot < kSlotCount; ++slot) {
    if (routing->owner[slot] == cluster::Routing::kMyself) mine.set(slot);
  }
  // What is left of a slot's keys from when it was ours before must not come back with it.
  if (!engine_.state().replica.load()) moves_->sweeper().finishNow(mine);
  engine_.setRouting(std::move(routing));
  if (wasHeld) engine_.resumePaused();
}

void ClusterDriver::follow(const Effect& effect) {
  linkedOnce_ = false;
  inWorld([this, master = MasterAddress{effect.address, effect.port}] {
    moves_->sweeper().abandon();
    replication_.replica().follow(master, "the cluster");
  });
}

void ClusterDriver::promote() {
  inWorld([this] {
    if (engine_.state().replica.load()) replication_.replica().promote("the cluster", "failover");
  });
}

void ClusterDriver::dropSlots(const SlotSet& slots) {
  if (engine_.state().replica.load()) return;  // its master does
  SlotSet withKeys;
  slots.forEach([&](uint16_t slot) {
    if (engine_.keyspace().keysInSlot(slot) != 0) withKeys.set(slot);
  });
  if (!withKeys.empty()) moves_->sweeper().begin(withKeys);
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
