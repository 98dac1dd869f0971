// Poller on epoll. A change of what is watched costs a system call, a turn one more.
#pragma once

#include <array>

#include "runtime/poller.h"
#include "runtime/wakeup.h"

namespace vigil::runtime {

class EpollPoller final : public Poller {
 public:
  EpollPoller();
  ~EpollPoller() override;
  EpollPoller(const EpollPoller&) = delete;
  EpollPoller& operator=(const EpollPoller&) = delete;

  int watch(int descriptor, uint32_t events, Watcher& watcher) override;
  int changeWatch(int descriptor, uint32_t events, Watcher& watcher) override;
  void unwatch(int descriptor) override;
  std::span<epoll_event> wait(int64_t budgetUs) override;
  void wake() override { wakeup_.signal(); }

 private:
  int control(int operation, int descriptor, uint32_t events, Watcher* watcher);
  int waitForEvents(int64_t budgetUs);  // into events_; how many, -1 after a signal

  Wakeup wakeup_;
  const int epoll_;
  bool exactWaits_ = true;  // the kernel can wait for less than a millisecond
  std::array<epoll_event, kEventsPerWait> events_;
};

}  // namespace vigil::runtime
