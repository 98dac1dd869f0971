#include "runtime/machine_loop.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace vigil::runtime {

namespace {
constexpr int64_t kLongestWaitUs = 3'600'000'000;
}  // namespace

MachineLoop::MachineLoop(const Clock& clock, PollerKind kind)
    : clock_(clock), poller_(makePoller(kind)), now_(clock.mono()), thread_(std::this_thread::get_id()) {}

MachineLoop::~MachineLoop() {
  // Tasks that will never run may own streams, which leave the loop when they are destroyed.
  timers_.clear();
  std::vector<Task> left;
  {
    MutexLock lock(mailLock_);
    left.swap(mail_);
  }
  left.clear();
}

void MachineLoop::run() {
  adopt();
  stopping_ = false;
  moreToDo_ = true;  // the hook has not been asked yet
  while (!stopping_) takeTurn();
}

void MachineLoop::stop() {
  post([this] { stopping_ = true; });
}

void MachineLoop::post(Task task) {
  {
    MutexLock lock(mailLock_);
    mail_.push_back(std::move(task));
    hasMail_.store(true);
  }
  if (sleeping_.load() && sleeping_.exchange(false)) poller_->wake();
}

TimerId MachineLoop::after(int64_t delayUs, Task task) {
  // Not from now_: the turn may have begun long ago, and the timer must not come early.
  return timers_.add(clock_.mono() + std::clamp<int64_t>(delayUs, 0, kLongestDelayUs), std::move(task));
}

int MachineLoop::watch(int descriptor, uint32_t events, Watcher& watcher) {
  if (onLoopThread()) return poller_->watch(descriptor, events, watcher);
  post([this, descriptor, events, &watcher] {
    const int error = poller_->watch(descriptor, events, watcher);
    if (error == 0) return;
    std::fprintf(stderr, "a descriptor cannot be watched: %s\n", std::strerror(error));
    std::abort();  // it would never be heard of again
  });
  return 0;
}

void MachineLoop::unwatch(int descriptor, const Watcher& watcher) {
  poller_->unwatch(descriptor);
  if (delivering_ == &watcher) delivering_ = nullptr;
  for (epoll_event& event : undelivered_) {
    if (event.data.ptr == &watcher) event.events = 0;
  }
}

void MachineLoop::takeTurn() {
  const std::span<epoll_event> events = poller_->wait(waitBudgetUs());
  sleeping_.store(false, std::memory_order_relaxed);
  now_ = clock_.mono();
  turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  deliver(events);
  if (timers_.size() > 0) runTimers();
  if (hasMail_.load(std::memory_order_acquire)) runPosted();
  moreToDo_ = beforeSleep_ && beforeSleep_();
}

int64_t MachineLoop::waitBudgetUs() {
  if (moreToDo_ || hasMail_.load(std::memory_order_relaxed)) return 0;
  int64_t budget = -1;
  if (auto due = timers_.firstDue()) {
    const int64_t left = *due - clock_.mono();
    if (left <= 0) return 0;
    budget = std::min<int64_t>(left, kLongestWaitUs);
  }
  sleeping_.store(true);
  if (hasMail_.load()) return 0;
  return budget;
}

void MachineLoop::deliver(std::span<epoll_event> events) {
  undelivered_ = events;
  while (!undelivered_.empty()) {
    const epoll_event event = undelivered_.front();
    undelivered_ = undelivered_.subspan(1);
    auto* watcher = static_cast<Watcher*>(event.data.ptr);
    if (watcher == nullptr || event.events == 0) continue;  // a wakeup, or unwatched meanwhile
    delivering_ = watcher;
    watcher->onEvents(event.events);
  }
  delivering_ = nullptr;
}

void MachineLoop::runTimers() {
  const uint64_t horizon = timers_.sequence();  // what the timers themselves add waits for the next turn
  while (Task task = timers_.takeDue(now_, horizon)) task();
}

void MachineLoop::runPosted() {
  {
    MutexLock lock(mailLock_);
    running_.swap(mail_);
    hasMail_.store(false);
  }
  for (Task& task : running_) {
    task();
    task = {};  // what a task owns goes before the next one runs
  }
  running_.clear();
}

}  // namespace vigil::runtime
