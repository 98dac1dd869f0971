// What waits for descriptors on behalf of one MachineLoop: epoll, or io_uring.
//
// Level-triggered: a watcher is told in every turn what holds of the events that it watches for. All calls are for the
// thread that the loop belongs to, except wake(), which any thread may call.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"

namespace vigil::runtime {

// Whoever has a descriptor in the loop.
class Watcher {
 public:
  virtual void onEvents(uint32_t events) = 0;  // of EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP

 protected:
  ~Watcher() = default;
};

class Poller {
 public:
  static constexpr size_t kEventsPerWait = 512;

  virtual ~Poller() = default;

  // Return 0 or the errno value. The descriptor stays its owner's. EPOLLERR and EPOLLHUP are always watched for.
  virtual int watch(int descriptor, uint32_t events, Watcher& watcher) = 0;
  virtual int changeWatch(int descriptor, uint32_t events, Watcher& watcher) = 0;
  // Afterwards nothing in the kernel refers to the descriptor on our behalf: closing it closes what it stands for.
  virtual void unwatch(int descriptor) = 0;

  // Waits up to `budgetUs` microseconds (-1: as long as it takes, 0: not at all) and fills events(); data.ptr is the
  // watcher, or null for a wake(). A signal may end it early with nothing.
  virtual std::span<epoll_event> wait(int64_t budgetUs) = 0;
  virtual void wake() = 0;
};

enum class PollerKind : uint8_t { kEpoll, kUring };

std::unique_ptr<Poller> makePoller(PollerKind kind);
// Whether this system has what the kind needs; the error says what it lacks.
Status checkPoller(PollerKind kind);

}  // namespace vigil::runtime
