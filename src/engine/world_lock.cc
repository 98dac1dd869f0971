#include "engine/world_lock.h"

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

void WorldLock::releaseExclusive() {
  std::vector<Wake> waiters;
  {
    MutexLock guard(mutex_);
    ownerWake_ = nullptr;
    owner_.store(0);
    waiters.swap(waiters_);
  }
  for (Wake& wake : waiters) wake();
}

bool WorldLock::waitEnter(Wake wake) {
  if (takeSeemingBusy()) {
    wake();
    return true;
  }
  MutexLock guard(mutex_);
  if (owner_.load() == 0) return false;
  waiters_.push_back(std::move(wake));
  return true;
}

bool WorldLock::waitExclusive(size_t worker, Wake wake) {
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
  ownerWake_ = std::move(wake);
  if (!allOut()) return true;  // whoever leaves from now on sees the waker
  ownerWake_ = nullptr;
  return false;
}

void WorldLock::wakeOwner() {
  Wake wake;
  {
    MutexLock guard(mutex_);
    if (!ownerWake_ || !allOut()) return;
    wake = std::exchange(ownerWake_, nullptr);
  }
  wake();
}

}  // namespace vigil::engine
