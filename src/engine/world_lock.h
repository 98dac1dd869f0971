// The lock on everything: a big-reader lock. Workers hold its shared side for a batch of commands, at the cost of one
// store on a cache line of their own; whatever is rare and hard (FLUSHALL, role changes, starting a snapshot) holds
// it exclusively. Nobody sleeps on it: who does not get it leaves a waker and goes on with other clients.
//
// A claim to the exclusive side bars new holders of the shared side, so it comes as soon as running batches end.
//
// Operations are sequentially consistent and there are no bare fences: ThreadSanitizer must understand it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/simulation.h"

namespace vigil::engine {

class WorldLock {
 public:
  using Wake = std::move_only_function<void()>;

  explicit WorldLock(size_t workers) : inside_(std::make_unique<Flag[]>(workers)), workers_(workers) {}

  // --- Shared side, by worker number ---
  bool tryEnter(size_t worker) {
    inside_[worker].value.store(1);
    if (owner_.load() == 0 && !lockSeemsBusy()) [[likely]]
      return true;
    leave(worker);
    return false;
  }
  void leave(size_t worker) {
    inside_[worker].value.store(0);
    if (owner_.load() != 0) [[unlikely]]
      wakeOwner();
  }
  // Whether somebody wants or has the exclusive side: a long batch may leave early.
  bool claimed() const { return owner_.load(std::memory_order_relaxed) != 0; }

  // --- Exclusive side. The worker must have left the shared side. ---
  // Claims it if no other worker has, and takes it if nobody is inside. False: use waitExclusive() and call again.
  // A claim belongs to the worker: whichever of its tasks comes first may use it.
  bool tryExclusive(size_t worker);
  static constexpr int kSpins = kSimulated ? 1 : 100;  // how often to try before waiting
  void releaseExclusive();
  // Gives up a claim that nobody waits for any more (its client went away). To be called on the worker, outside of the
  // exclusive side, after a waker of waitExclusive() was called and what it woke has run.
  void dropClaim(size_t worker);

  // Leaves a waker for when tryEnter() (tryExclusive()) is worth another try; false if it is now, and then `wake` has
  // not been moved from. A waker is called once, on any thread; it posts to whoever waits.
  bool waitEnter(Wake&& wake);
  bool waitExclusive(size_t worker, Wake&& wake);

 private:
  struct alignas(64) Flag {
    std::atomic<uint32_t> value{0};
  };
  bool allOut() const;
  void wakeOwner();
  void giveUpClaim();

  std::unique_ptr<Flag[]> inside_;
  const size_t workers_;
  std::atomic<size_t> owner_{0};  // 1 + the worker that claims or holds the exclusive side
  Mutex mutex_;
  std::vector<Wake> ownerWakes_ GUARDED_BY(mutex_);  // of the claiming worker, for the last to leave
  std::vector<Wake> waiters_ GUARDED_BY(mutex_);     // for the claim to be given up
};

}  // namespace vigil::engine
