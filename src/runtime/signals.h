// SIGTERM and SIGINT as calls on a loop.
//
// Make it on the main thread before any other thread exists: it blocks both signals for this thread and those it will
// start, and reads them from a descriptor in the loop. SIGPIPE and SIGHUP are ignored from then on. The destructor lets
// the signals through again.
#pragma once

#include <csignal>
#include <functional>

#include "runtime/epoll_loop.h"

namespace vigil::runtime {

class Signals final : private Watcher {
 public:
  // `onSignal` runs on the loop's thread, once for each signal, with SIGTERM or SIGINT.
  Signals(EpollLoop& loop, std::function<void(int)> onSignal);
  // On the loop's thread or after its end.
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  void onEvents(uint32_t events) override;

  EpollLoop& loop_;
  std::function<void(int)> onSignal_;
  sigset_t before_;
  int descriptor_ = -1;
};

}  // namespace vigil::runtime
