#include "engine/world_lock.h"

#include <iterator>
#include <utility>

namespace vigil::engine {

bool WorldLock::allOut() const {
  for (size_t i = 0; i < workers_; ++i) {
    if (inside_[i].value.load() != 0) return false;
  }
  return true;
}

bool WorldLock::tryExclusive(size_t worker) {
  size_t expected = 0;
  if (!owner_.compare_exchange_strong(expected, worker + 1) && expected != worker + 1) return false;
  return !lockSeemsBusy() && allOut();
}

void WorldLock::releaseExclusive() { giveUpClaim(); }

void WorldLock::dropClaim(size_t worker) {
  if (owner_.load() != worker + 1) return;
  {
    MutexLock guard(mutex_);
    if (!ownerWakes_.empty()) return;
  }
  giveUpClaim();
}

// Who waits with the claim of this worker waits on: each is woken, and claims again.
void WorldLock::giveUpClaim() {
  std::vector<Wake> waiters;
  {
    MutexLock guard(mutex_);
    waiters.swap(ownerWakes_);
    std::move(waiters_.begin(), waiters_.end(), std::back_inserter(waiters));
    waiters_.clear();
    owner_.store(0);
  }
  for (Wake& wake : waiters) wake();
}

bool WorldLock::waitEnter(Wake&& wake) {
  if (takeSeemingBusy()) {
    wake();
    return true;
  }
  MutexLock guard(mutex_);
  if (owner_.load() == 0) return false;
  waiters_.push_back(std::move(wake));
  return true;
}

bool WorldLock::waitExclusive(size_t worker, Wake&& wake) {
  if (takeSeemingBusy()) {
    wake();
    return true;
  }
  MutexLock guard(mutex_);
  size_t owner = owner_.load();
  if (owner == 0) return false;
  if (owner != worker + 1) {
    waiters_.push_back(std::move(wake));
    return true;
  }
  if (allOut()) return false;
  ownerWakes_.push_back(std::move(wake));  // who was inside just now will leave, and then sees the claim and the waker
  return true;
}

void WorldLock::wakeOwner() {
  std::vector<Wake> wakes;
  {
    MutexLock guard(mutex_);
    if (ownerWakes_.empty() || !allOut()) return;
    wakes.swap(ownerWakes_);
  }
  for (Wake& wake : wakes) wake();
}

}  // namespace vigil::engine
