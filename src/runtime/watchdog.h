// Notices a worker thread that is stuck in one task for longer than watchdog-period, and has it write to the log where
// it stands. On the control loop, but for setPeriod().
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/ports/event_loop.h"
#include "runtime/machine.h"

namespace vigil::runtime {

class Watchdog {
 public:
  // `threads` must outlive it. There is at most one object of this class at a time.
  Watchdog(EventLoop& control, std::vector<LoopThread*> threads, std::string logFile);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void setPeriod(int64_t milliseconds);  // any thread; 0: off

 private:
  struct Watched {
    LoopThread* thread;
    uint64_t turns = 0;
    MonoUs since = 0;  // when it was last seen in another turn
  };
  void look();

  EventLoop& control_;
  std::vector<Watched> watched_;
  std::atomic<int64_t> period_{0};  // microseconds
  TimerId timer_ = 0;
};

}  // namespace vigil::runtime
