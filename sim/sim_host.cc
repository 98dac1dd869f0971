#include "sim/sim_host.h"

#include <utility>

namespace vigil::sim {

ProcessPtr SimHost::newProcess() {
  auto process = std::make_shared<SimProcess>(world_, name_);
  process->onDeath = [this, weak = std::weak_ptr<SimProcess>(process)](Death how) {
    dying_ = how;
    world_.after(0, [this, weak, how] {
      const auto dead = weak.lock();
      if (dead != nullptr && dead.get() == current()) bury(how);
    });
  };
  return process;
}

void SimHost::kill(Death how) {
  SimProcess* process = current();
  if (process == nullptr) return;
  // It may have died already, in a step whose end is still to come.
  bury(std::exchange(process->alive, false) ? how : dying_);
}

void SimHost::bury(Death how) {
  SimProcess& process = *current();
  process.trace(how == Death::kKill ? "is killed" : "loses power");
  network_.processDied(process, host_, how);
  disk_.processDied(how);
  buried(how);
}

void SimHost::pause(SimTime duration) {
  if (!running()) return;
  process().trace("pauses");
  process().pausedUntil = world_.now() + duration;
}

}  // namespace vigil::sim
