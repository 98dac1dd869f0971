#include "runtime/poller.h"

#include "runtime/epoll_poller.h"
#include "runtime/uring_poller.h"

namespace vigil::runtime {

std::unique_ptr<Poller> makePoller(PollerKind kind) {
  if (kind == PollerKind::kUring) return std::make_unique<UringPoller>();
  return std::make_unique<EpollPoller>();
}

Status checkPoller(PollerKind kind) { return kind == PollerKind::kUring ? UringPoller::check() : Status{}; }

}  // namespace vigil::runtime
