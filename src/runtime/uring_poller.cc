#include "runtime/uring_poller.h"

#include <cerrno>
#include <cstring>

namespace vigil::runtime {

namespace {

// Of a request that nobody listens to: no watch has the generation 0.
constexpr uint64_t kNobody = 0;

int makeRing(unsigned entries, io_uring& ring) {
  io_uring_params params{};
  // More completions than requests fit: a turn takes at most kEventsPerWait, the rest waits. What happens need not
  // interrupt the thread (COOP_TASKRUN, Linux 5.19): it makes a system call soon.
  params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_COOP_TASKRUN;
  params.cq_entries = 4 * entries;
  const int error = io_uring_queue_init_params(entries, &ring, &params);
  if (error < 0) return error;
  if ((params.features & IORING_FEAT_EXT_ARG) != 0 && (params.features & IORING_FEAT_NODROP) != 0) return 0;
  io_uring_queue_exit(&ring);
  return -ENOSYS;
}

// Ends all requests on a descriptor; when it returns they are gone. Linux 6.0.
int cancelAll(io_uring& ring, int descriptor) {
  io_uring_sync_cancel_reg request{};
  request.fd = descriptor;
  request.flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;
  request.timeout.tv_sec = -1;  // no limit: polls are let go at once
  request.timeout.tv_nsec = -1;
  return io_uring_register_sync_cancel(&ring, &request);
}

}  // namespace

Status UringPoller::check() {
  io_uring ring{};
  int error = makeRing(8, ring);
  if (error == 0) {
    const int cancelled = cancelAll(ring, 0);
    if (cancelled < 0 && cancelled != -ENOENT) error = cancelled;
    io_uring_queue_exit(&ring);
  }
  if (error == 0) return {};
  return fail(std::string("io_uring is not to be had here: ") + std::strerror(-error), -error);
}

UringPoller::UringPoller() {
  const int error = makeRing(kQueueEntries, ring_);
  errno = -error;
  orDie(error, "io_uring_queue_init");
  add(wakeup_.descriptor(), EPOLLIN, nullptr);
}

UringPoller::~UringPoller() { io_uring_queue_exit(&ring_); }

int UringPoller::watch(int descriptor, uint32_t events, Watcher& watcher) { return add(descriptor, events, &watcher); }

int UringPoller::add(int descriptor, uint32_t events, Watcher* watcher) {
  if (descriptor < 0) return EBADF;
  uint32_t place = 0;
  if (freePlaces_.empty()) {
    place = static_cast<uint32_t>(watches_.size());
  } else {
    place = freePlaces_.back();
  }
  if (!placeOf_.emplace(descriptor, place).second) return EEXIST;
  if (freePlaces_.empty()) {
    watches_.emplace_back();
  } else {
    freePlaces_.pop_back();
  }
  Watch& watch = watches_[place];
  watch.descriptor = descriptor;
  watch.events = events;
  watch.watcher = watcher;
  if (++watch.generation == 0) watch.generation = 1;
  arm(place);
  return 0;
}

void UringPoller::arm(uint32_t place) {
  Watch& watch = watches_[place];
  watch.armed = false;
  if (watch.queued) return;
  watch.queued = true;
  toArm_.push_back(place);
}

int UringPoller::changeWatch(int descriptor, uint32_t events, Watcher& watcher) {
  const auto found = placeOf_.find(descriptor);
  if (found == placeOf_.end()) return ENOENT;
  Watch& watch = watches_[found->second];
  watch.watcher = &watcher;
  if (watch.events == events) return 0;
  watch.events = events;
  if (!watch.armed) return 0;  // the request is yet to be made
  toGiveUp_.push_back(userData(found->second, watch.generation));
  if (++watch.generation == 0) watch.generation = 1;
  arm(found->second);
  return 0;
}

void UringPoller::unwatch(int descriptor) {
  const auto found = placeOf_.find(descriptor);
  if (found == placeOf_.end()) return;
  Watch& watch = watches_[found->second];
  // Requests of earlier generations may still be in the ring, so all of the descriptor are ended. ENOENT: there are
  // none.
  cancelAll(ring_, descriptor);
  watch.descriptor = -1;
  watch.watcher = nullptr;
  watch.armed = false;
  if (++watch.generation == 0) watch.generation = 1;
  freePlaces_.push_back(found->second);
  placeOf_.erase(found);
}

io_uring_sqe& UringPoller::nextRequest() {
  io_uring_sqe* request = io_uring_get_sqe(&ring_);
  while (request == nullptr) {
    io_uring_submit(&ring_);
    request = io_uring_get_sqe(&ring_);
  }
  return *request;
}

void UringPoller::queueRequests() {
  for (const uint64_t left : toGiveUp_) {
    io_uring_sqe& request = nextRequest();
    io_uring_prep_poll_remove(&request, left);
    request.flags |= IOSQE_CQE_SKIP_SUCCESS;  // a failure says that it had come to its end already
    io_uring_sqe_set_data64(&request, kNobody);
  }
  toGiveUp_.clear();
  for (const uint32_t place : toArm_) {
    Watch& watch = watches_[place];
    watch.queued = false;
    if (watch.descriptor < 0 || watch.armed) continue;  // unwatched meanwhile
    watch.armed = true;
    io_uring_sqe& request = nextRequest();
    io_uring_prep_poll_add(&request, watch.descriptor, watch.events);
    io_uring_sqe_set_data64(&request, userData(place, watch.generation));
  }
  toArm_.clear();
}

std::span<epoll_event> UringPoller::wait(int64_t budgetUs) {
  queueRequests();
  submitAndWait(budgetUs);
  return std::span(events_).first(takeCompletions());
}

// Errors (a signal, the time is up, a full completion queue) need no word: what has completed is looked at in any case,
// and what was not submitted is with the next turn.
void UringPoller::submitAndWait(int64_t budgetUs) {
  if (budgetUs == 0) {
    io_uring_submit_and_wait(&ring_, 0);
    return;
  }
  if (budgetUs < 0) {
    io_uring_submit_and_wait(&ring_, 1);
    return;
  }
  __kernel_timespec budget{.tv_sec = budgetUs / 1'000'000, .tv_nsec = budgetUs % 1'000'000 * 1000};
  io_uring_cqe* first = nullptr;
  io_uring_submit_and_wait_timeout(&ring_, &first, 1, &budget, nullptr);
}

size_t UringPoller::takeCompletions() {
  size_t count = 0;
  unsigned head = 0;
  unsigned seen = 0;
  io_uring_cqe* completion = nullptr;
  io_uring_for_each_cqe(&ring_, head, completion) {
    if (count == events_.size()) break;
    ++seen;
    const auto place = static_cast<uint32_t>(completion->user_data);
    const auto generation = static_cast<uint32_t>(completion->user_data >> 32);
    if (place >= watches_.size()) continue;
    const Watch& watch = watches_[place];
    if (generation == 0 || watch.generation != generation || watch.descriptor < 0) continue;
    // A poll that cannot be done (its descriptor is none that can be polled) is an error of the descriptor.
    const uint32_t happened = completion->res < 0 ? EPOLLERR : static_cast<uint32_t>(completion->res);
    if (watch.watcher == nullptr) wakeup_.clear();
    epoll_event& event = events_[count++];
    event.events = happened;
    event.data.ptr = watch.watcher;
    arm(place);
  }
  io_uring_cq_advance(&ring_, seen);
  return count;
}

}  // namespace vigil::runtime
