// Up to which offset of the log writes count as safe. A reply, also a read's, that depends on a later offset waits on
// its connection until the commit point has passed it; one fsync releases all that wait.
//
// The rule in force says what moves it: nothing (everything is safe at once), the AOF's writes, or its fsyncs.
// Thread safe.
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <vector>

#include "base/mutex.h"
#include "oplog/log.h"

namespace vigil::oplog {

class CommitPoint {
 public:
  static constexpr Offset kEverything = std::numeric_limits<Offset>::max();

  Offset safe() const { return safe_.load(std::memory_order_acquire); }
  bool reached(Offset offset) const { return offset <= safe(); }

  // Moves it, also backwards when the rule becomes stricter, and wakes those who wait.
  void advance(Offset safe);
  // True if `offset` is not safe yet: then the listeners are called when the commit point has moved.
  bool mustWait(Offset offset);
  // Calls the listeners, if somebody waits, although it did not move: what is waited for may never come.
  void wake();

  // Called whenever the commit point moved, on the thread that moved it: it posts to a loop. Set up at start.
  void addListener(std::function<void()> moved);

 private:
  std::atomic<Offset> safe_{kEverything};
  std::atomic<bool> waiting_{false};  // somebody does, since the listeners were called last
  Mutex mutex_;
  std::vector<std::function<void()>> listeners_ GUARDED_BY(mutex_);
};

}  // namespace vigil::oplog
