// The lock of one shard. A worker never sleeps on it: it tries, spins for a moment, and else leaves a waiter behind
// and goes on with other clients; the unlock wakes the waiters.
//
//   state: 0 free, 1 held, 3 held and somebody waits
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/mutex.h"
#include "base/simulation.h"

namespace vigil::keyspace {

class CAPABILITY("shard") ShardLock {
 public:
  // Called once, on the thread that unlocks: it posts to whoever waits. It must not take any lock of the data plane.
  using Wake = std::move_only_function<void()>;

  bool tryLock() TRY_ACQUIRE(true) {
    if (lockSeemsBusy()) return false;
    uint32_t expected = 0;
    return state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed);
  }
  // As tryLock(), but looks again a few hundred times before it gives up.
  bool trySpin() TRY_ACQUIRE(true) {
    for (int i = 0; i < kSpins; ++i) {
      if (tryLock()) return true;
      pause();
    }
    return false;
  }
  void unlock() RELEASE() {
    uint32_t expected = kHeld;
    if (!state_.compare_exchange_strong(expected, 0, std::memory_order_release, std::memory_order_relaxed)) {
      unlockAndWake();
    }
  }
  // Leaves a waiter if the lock is held; false if the lock is free by now, and then `wake` has not been moved from.
  bool waitFor(Wake&& wake);

 private:
  static constexpr uint32_t kHeld = 1;
  static constexpr uint32_t kWaited = 2;
  static constexpr int kSpins = kSimulated ? 0 : 200;
  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  void unlockAndWake() NO_THREAD_SAFETY_ANALYSIS;

  std::atomic<uint32_t> state_{0};
  Mutex mutex_;
  std::vector<Wake> waiters_ GUARDED_BY(mutex_);
};

}  // namespace vigil::keyspace
