// A leaf lock for what is held for some tens of nanoseconds by many threads: four bytes, so that what it guards fits beside
// it in one cache line, and whoever finds it held spins before it sleeps.
#pragma once

#include <atomic>

#include "base/thread_annotations.h"

namespace vigil {

class CAPABILITY("mutex") SpinMutex {
 public:
  void lock() ACQUIRE() {
    if (!tryLock()) lockHeld();
  }
  bool tryLock() TRY_ACQUIRE(true) {
    int expected = kFree;
    return state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void unlock() RELEASE() {
    if (state_.exchange(kFree, std::memory_order_release) == kAwaited) state_.notify_one();
  }

 private:
  static constexpr int kFree = 0;
  static constexpr int kHeld = 1;
  static constexpr int kAwaited = 2;  // held, and somebody sleeps until it is free
  static constexpr int kSpins = 200;  // some microseconds

  void lockHeld() ACQUIRE() NO_THREAD_SAFETY_ANALYSIS {
    for (int i = 0; i < kSpins; ++i) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
      if (state_.load(std::memory_order_relaxed) == kFree && tryLock()) return;
    }
    while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree) {
      state_.wait(kAwaited, std::memory_order_relaxed);
    }
  }

  std::atomic<int> state_{kFree};
};

class SCOPED_CAPABILITY SpinLock {
 public:
  explicit SpinLock(SpinMutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~SpinLock() RELEASE() { mutex_.unlock(); }
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

 private:
  SpinMutex& mutex_;
};

}  // namespace vigil
