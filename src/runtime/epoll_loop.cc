#include "runtime/epoll_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

namespace vigil::runtime {

namespace {
constexpr int64_t kLongestWaitUs = 3'600'000'000;

// Without its two descriptors no loop can exist; this happens at start only.
int orDie(int descriptor, const char* call) {
  if (descriptor >= 0) return descriptor;
  std::perror(call);
  std::abort();
}
}  // namespace

EpollLoop::EpollLoop(const Clock& clock)
    : clock_(clock),
      epoll_(orDie(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wakeup_(orDie(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      now_(clock.mono()),
      thread_(std::this_thread::get_id()) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // the one without a watcher
  orDie(epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event), "epoll_ctl");
}

EpollLoop::~EpollLoop() {
  // Tasks that will never run may own streams, which leave the loop when they are destroyed.
  timers_.clear();
  std::vector<Task> left;
  {
    MutexLock lock(mailLock_);
    left.swap(mail_);
  }
  left.clear();
  close(wakeup_);
  close(epoll_);
}

void EpollLoop::run() {
  adopt();
  stopping_ = false;
  moreToDo_ = true;  // the hook has not been asked yet
  while (!stopping_) takeTurn();
}

void EpollLoop::stop() {
  post([this] { stopping_ = true; });
}

void EpollLoop::post(Task task) {
  {
    MutexLock lock(mailLock_);
    mail_.push_back(std::move(task));
    hasMail_.store(true);
  }
  if (sleeping_.load() && sleeping_.exchange(false)) wake();
}

void EpollLoop::wake() {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the loop wakes up anyway.
  [[maybe_unused]] ssize_t written = write(wakeup_, &one, sizeof one);
}

TimerId EpollLoop::after(int64_t delayUs, Task task) {
  // Not from now_: the turn may have begun long ago, and the timer must not come early.
  return timers_.add(clock_.mono() + std::max<int64_t>(delayUs, 0), std::move(task));
}

int EpollLoop::watch(int descriptor, uint32_t events, Watcher& watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}

int EpollLoop::changeWatch(int descriptor, uint32_t events, Watcher& watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  return epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event) == 0 ? 0 : errno;
}

void EpollLoop::unwatch(int descriptor, const Watcher& watcher) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
  if (delivering_ == &watcher) delivering_ = nullptr;
  for (epoll_event& event : undelivered_) {
    if (event.data.ptr == &watcher) event.events = 0;
  }
}

void EpollLoop::takeTurn() {
  const int count = waitForEvents(waitBudgetUs());
  sleeping_.store(false, std::memory_order_relaxed);
  now_ = clock_.mono();
  turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (count > 0) deliver(static_cast<size_t>(count));  // below 0: a signal came
  if (timers_.size() > 0) runTimers();
  if (hasMail_.load(std::memory_order_acquire)) runPosted();
  moreToDo_ = beforeSleep_ && beforeSleep_();
}

int EpollLoop::waitForEvents(int64_t budgetUs) {
  const int size = static_cast<int>(events_.size());
  if (budgetUs > 0 && exactWaits_) {
    const timespec budget{.tv_sec = budgetUs / 1'000'000, .tv_nsec = budgetUs % 1'000'000 * 1000};
    const int count = epoll_pwait2(epoll_, events_.data(), size, &budget, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;
    exactWaits_ = false;  // before Linux 5.11
  }
  return epoll_wait(epoll_, events_.data(), size, budgetUs < 0 ? -1 : static_cast<int>((budgetUs + 999) / 1000));
}

int64_t EpollLoop::waitBudgetUs() {
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

void EpollLoop::deliver(size_t count) {
  undelivered_ = std::span(events_).first(count);
  while (!undelivered_.empty()) {
    const epoll_event event = undelivered_.front();
    undelivered_ = undelivered_.subspan(1);
    if (event.data.ptr == nullptr) {
      uint64_t wakeups;
      [[maybe_unused]] ssize_t got = read(wakeup_, &wakeups, sizeof wakeups);
    } else if (event.events != 0) {
      auto* watcher = static_cast<Watcher*>(event.data.ptr);
      delivering_ = watcher;
      watcher->onEvents(event.events);
    }
  }
  delivering_ = nullptr;
}

void EpollLoop::runTimers() {
  const uint64_t horizon = timers_.sequence();  // what the timers themselves add waits for the next turn
  while (Task task = timers_.takeDue(now_, horizon)) task();
}

void EpollLoop::runPosted() {
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
