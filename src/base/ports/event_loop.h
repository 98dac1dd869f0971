// Port: one thread's event loop, with its timers and its mailbox.
//
// Every worker and the control thread own one. All calls are for the loop's own thread, except post(), which any
// thread may call: it is the mailbox through which threads speak to one another.
#pragma once

#include <cstdint>
#include <functional>

#include "base/ports/clock.h"

namespace vigil {

using Task = std::move_only_function<void()>;
using TimerId = uint64_t;  // 0 is no timer

class EventLoop {
 public:
  virtual ~EventLoop() = default;

  // Runs `task` on the loop's thread, in the order of the posts of one thread. Any thread may call it.
  virtual void post(Task task) = 0;

  // Runs `task` once on the loop's thread when `delayUs` microseconds have passed. Any delay may be asked for (clients
  // choose theirs); what is longer than kLongestDelayUs is that long.
  static constexpr int64_t kLongestDelayUs = INT64_MAX / 4;  // 73,000 years: a clock can still be added to it
  virtual TimerId after(int64_t delayUs, Task task) = 0;
  // Forgets a timer; one that ran already, or 0, is no error.
  virtual void cancel(TimerId timer) = 0;

  // Called once in each turn of the loop, after the events and posts of that turn and before it waits for more.
  // Returning true means that there is more to do: the loop polls for events but does not sleep.
  virtual void setBeforeSleep(std::function<bool()> hook) = 0;

  // The monotonic time at which this turn of the loop began (or a later one: cheap to call).
  virtual MonoUs now() const = 0;
  virtual bool onLoopThread() const = 0;
};

}  // namespace vigil
