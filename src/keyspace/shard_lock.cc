#include "keyspace/shard_lock.h"

namespace vigil::keyspace {

bool ShardLock::waitFor(Wake&& wake) {
  if (takeSeemingBusy()) {
    wake();
    return true;
  }
  MutexLock guard(mutex_);
  uint32_t state = state_.load(std::memory_order_relaxed);
  do {
    if ((state & kHeld) == 0) return false;
  } while (!state_.compare_exchange_weak(state, state | kWaited, std::memory_order_relaxed));
  waiters_.push_back(std::move(wake));
  return true;
}

void ShardLock::unlockAndWake() {
  std::vector<Wake> waiters;
  {
    MutexLock guard(mutex_);
    waiters.swap(waiters_);
    state_.store(0, std::memory_order_release);
  }
  for (Wake& wake : waiters) wake();
}

}  // namespace vigil::keyspace
