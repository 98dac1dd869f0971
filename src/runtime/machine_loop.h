// The machine's EventLoop: timers, the mailbox and the turns, over a Poller that waits for descriptors.
//
// One turn: wait for events -> deliver them -> run the timers that are due -> run what was posted -> the before-sleep
// hook. A loop belongs to the thread that runs it (before run(): to the one that made it). Only post() and stop() may
// be called from other threads, and watch() for what will be unwatched by a later post.
//
// Invariants:
// - An event is delivered only to a watcher that is still watched: unwatch() also strikes the watcher's events out of
//   the batch that is being delivered. So a watcher may unwatch and destroy itself or any other one at any time.
// - After post() the loop takes a turn: the mailbox is looked at after `sleeping_` is raised and before the wait,
//   and a poster that finds it raised wakes the poller. (Both sides are sequentially consistent: one of the two sees
//   the other.) While the loop is busy a post costs no system call.
//
// Streams and listeners that are attached here must be gone, or detached, before the loop is destroyed.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/ports/event_loop.h"
#include "runtime/poller.h"
#include "runtime/timer_queue.h"

namespace vigil::runtime {

class MachineLoop final : public EventLoop {
 public:
  explicit MachineLoop(const Clock& clock, PollerKind kind = PollerKind::kEpoll);
  ~MachineLoop() override;
  MachineLoop(const MachineLoop&) = delete;
  MachineLoop& operator=(const MachineLoop&) = delete;

  // Takes turns on the calling thread until stop(). Everything that was posted before the stop() has run then.
  void run();
  void stop();
  // After run() has returned: the loop now belongs to the calling thread, which may take down what is attached to it.
  void adopt() { thread_.store(std::this_thread::get_id(), std::memory_order_relaxed); }

  void post(Task task) override;
  TimerId after(int64_t delayUs, Task task) override;
  void cancel(TimerId timer) override { timers_.cancel(timer); }
  void setBeforeSleep(std::function<bool()> hook) override { beforeSleep_ = std::move(hook); }
  MonoUs now() const override { return now_; }
  bool onLoopThread() const override { return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

  // How many turns were taken; any thread may ask. A loop that shows the same number for long, and was posted to, is
  // stuck in a task.
  uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }

  // Returns 0 or the errno value (from another thread always 0: the loop's own does it). The descriptor stays its
  // owner's.
  int watch(int descriptor, uint32_t events, Watcher& watcher);
  int changeWatch(int descriptor, uint32_t events, Watcher& watcher) {
    return poller_->changeWatch(descriptor, events, watcher);
  }
  void unwatch(int descriptor, const Watcher& watcher);
  // In Watcher::onEvents, after calling out: whether that watcher has not been unwatched meanwhile.
  bool stillDelivering() const { return delivering_ != nullptr; }

 private:
  void takeTurn();
  int64_t waitBudgetUs();  // how long this turn may sleep; -1 for as long as it takes. Raises sleeping_ unless it is 0
  void deliver(std::span<epoll_event> events);
  void runTimers();
  void runPosted();

  const Clock& clock_;
  const std::unique_ptr<Poller> poller_;
  MonoUs now_;
  std::atomic<std::thread::id> thread_;
  std::atomic<uint64_t> turns_{0};
  bool stopping_ = false;
  bool moreToDo_ = false;  // what the hook said last
  std::function<bool()> beforeSleep_;
  TimerQueue timers_;

  std::span<epoll_event> undelivered_;   // the rest of this turn's batch
  const Watcher* delivering_ = nullptr;  // whose onEvents() runs, until it is unwatched

  alignas(64) Mutex mailLock_;
  std::vector<Task> mail_ GUARDED_BY(mailLock_);
  std::atomic<bool> hasMail_{false};
  std::atomic<bool> sleeping_{false};
  std::vector<Task> running_;  // the loop's side of the swap with mail_
};

}  // namespace vigil::runtime
