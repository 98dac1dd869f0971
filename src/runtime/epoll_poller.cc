#include "runtime/epoll_poller.h"

#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace vigil::runtime {

EpollPoller::EpollPoller() : epoll_(orDie(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
  if (const int error = control(EPOLL_CTL_ADD, wakeup_.descriptor(), EPOLLIN, nullptr); error != 0) {
    errno = error;
    orDie(-1, "epoll_ctl");
  }
}

EpollPoller::~EpollPoller() { close(epoll_); }

int EpollPoller::control(int operation, int descriptor, uint32_t events, Watcher* watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = watcher;
  return epoll_ctl(epoll_, operation, descriptor, &event) == 0 ? 0 : errno;
}

int EpollPoller::watch(int descriptor, uint32_t events, Watcher& watcher) {
  return control(EPOLL_CTL_ADD, descriptor, events, &watcher);
}

int EpollPoller::changeWatch(int descriptor, uint32_t events, Watcher& watcher) {
  return control(EPOLL_CTL_MOD, descriptor, events, &watcher);
}

void EpollPoller::unwatch(int descriptor) { control(EPOLL_CTL_DEL, descriptor, 0, nullptr); }

std::span<epoll_event> EpollPoller::wait(int64_t budgetUs) {
  const int count = waitForEvents(budgetUs);
  const auto ready = std::span(events_).first(count > 0 ? static_cast<size_t>(count) : 0);
  for (const epoll_event& event : ready) {
    if (event.data.ptr == nullptr) wakeup_.clear();
  }
  return ready;
}

int EpollPoller::waitForEvents(int64_t budgetUs) {
  const int size = static_cast<int>(events_.size());
  if (budgetUs > 0 && exactWaits_) {
    const timespec budget{.tv_sec = budgetUs / 1'000'000, .tv_nsec = budgetUs % 1'000'000 * 1000};
    const int count = epoll_pwait2(epoll_, events_.data(), size, &budget, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;
    exactWaits_ = false;  // before Linux 5.11
  }
  return epoll_wait(epoll_, events_.data(), size, budgetUs < 0 ? -1 : static_cast<int>((budgetUs + 999) / 1000));
}

}  // namespace vigil::runtime
