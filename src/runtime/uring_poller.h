// Poller on io_uring: every watched descriptor has one poll request in the ring.
//
//   arming --next wait()--> armed --event--> told, arming again
//      ^________ changeWatch(): the request in the ring is given up ______|
//
// A request is good for one event; it is made anew in the next wait(), and since a new request looks at the descriptor
// first, watching is level-triggered. All requests of a turn, and its wait, are one system call, where epoll needs one
// for each change.
//
// A request's user data is the place of its watch in watches_ and the generation in which it was made. Whoever changes
// or ends a watch raises the generation: what comes of an older request is passed over.
#pragma once

#include <liburing.h>

#include <array>
#include <unordered_map>
#include <vector>

#include "runtime/poller.h"
#include "runtime/wakeup.h"

namespace vigil::runtime {

class UringPoller final : public Poller {
 public:
  UringPoller();
  ~UringPoller() override;
  UringPoller(const UringPoller&) = delete;
  UringPoller& operator=(const UringPoller&) = delete;

  // Whether the kernel lets this process have a ring of the kind needed (Linux 6.0 and no policy against it).
  static Status check();

  int watch(int descriptor, uint32_t events, Watcher& watcher) override;
  int changeWatch(int descriptor, uint32_t events, Watcher& watcher) override;
  void unwatch(int descriptor) override;
  std::span<epoll_event> wait(int64_t budgetUs) override;
  void wake() override { wakeup_.signal(); }

 private:
  static constexpr unsigned kQueueEntries = 1024;  // of requests in one submission; more are submitted in between

  struct Watch {
    int descriptor = -1;  // -1: the place is free
    uint32_t generation = 0;
    uint32_t events = 0;
    bool armed = false;   // a request of this generation is in the ring
    bool queued = false;  // in toArm_
    Watcher* watcher = nullptr;
  };

  int add(int descriptor, uint32_t events, Watcher* watcher);
  void arm(uint32_t place);
  void queueRequests();
  io_uring_sqe& nextRequest();
  void submitAndWait(int64_t budgetUs);
  size_t takeCompletions();
  static uint64_t userData(uint32_t place, uint32_t generation) { return uint64_t{generation} << 32 | place; }

  Wakeup wakeup_;
  io_uring ring_{};
  std::vector<Watch> watches_;
  std::vector<uint32_t> freePlaces_;
  std::unordered_map<int, uint32_t> placeOf_;  // by descriptor
  std::vector<uint32_t> toArm_;                // places whose watch needs a request
  std::vector<uint64_t> toGiveUp_;             // user data of requests that a change has left behind
  std::array<epoll_event, kEventsPerWait> events_;
};

}  // namespace vigil::runtime
