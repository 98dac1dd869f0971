// What a loop expects of either poller.
#include "runtime/poller.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/test_machine.h"

namespace vigil::runtime {
namespace {

class NoWatcher final : public Watcher {
  void onEvents(uint32_t) override {}
};

class PollerTest : public testing::TestWithParam<PollerKind> {
 protected:
  void SetUp() override {
    if (auto usable = checkPoller(GetParam()); !usable) GTEST_SKIP() << usable.error().message;
    poller_ = makePoller(GetParam());
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair_), 0);
  }
  void TearDown() override {
    for (const int descriptor : pair_) {
      if (descriptor >= 0) close(descriptor);
    }
  }

  // The events of `watcher` in one wait, 0 if it has none.
  uint32_t eventsOf(const NoWatcher& watcher, int64_t budgetUs = 0) {
    for (const epoll_event& event : poller_->wait(budgetUs)) {
      if (event.data.ptr == &watcher) return event.events;
    }
    return 0;
  }
  void peerWrites() { ASSERT_EQ(write(pair_[1], "x", 1), 1); }

  std::unique_ptr<Poller> poller_;
  int pair_[2] = {-1, -1};
  NoWatcher watcher_;
};

constexpr int64_t kLong = 20'000'000;

TEST_P(PollerTest, TellsAgainUntilItIsRead) {
  ASSERT_EQ(poller_->watch(pair_[0], EPOLLIN, watcher_), 0);
  EXPECT_EQ(eventsOf(watcher_), 0u);
  peerWrites();
  for (int turn = 0; turn < 3; ++turn) EXPECT_EQ(eventsOf(watcher_, kLong), uint32_t{EPOLLIN});
  char byte;
  ASSERT_EQ(read(pair_[0], &byte, 1), 1);
  EXPECT_EQ(eventsOf(watcher_), 0u);
}

TEST_P(PollerTest, AChangeCountsFromTheNextWait) {
  ASSERT_EQ(poller_->watch(pair_[0], EPOLLIN, watcher_), 0);
  EXPECT_EQ(eventsOf(watcher_), 0u);
  ASSERT_EQ(poller_->changeWatch(pair_[0], EPOLLOUT, watcher_), 0);
  EXPECT_EQ(eventsOf(watcher_, kLong), uint32_t{EPOLLOUT});
  peerWrites();
  ASSERT_EQ(poller_->changeWatch(pair_[0], 0, watcher_), 0);
  EXPECT_EQ(eventsOf(watcher_), 0u);
  ASSERT_EQ(poller_->changeWatch(pair_[0], EPOLLIN | EPOLLOUT, watcher_), 0);
  EXPECT_EQ(eventsOf(watcher_, kLong), uint32_t{EPOLLIN | EPOLLOUT});
}

TEST_P(PollerTest, BackAndForthWithinATurnLeavesOneWatch) {
  ASSERT_EQ(poller_->watch(pair_[0], EPOLLIN, watcher_), 0);
  EXPECT_EQ(eventsOf(watcher_), 0u);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(poller_->changeWatch(pair_[0], EPOLLIN | EPOLLOUT, watcher_), 0);
    ASSERT_EQ(poller_->changeWatch(pair_[0], EPOLLIN, watcher_), 0);
  }
  EXPECT_EQ(eventsOf(watcher_), 0u);
  peerWrites();
  const std::span<epoll_event> events = poller_->wait(kLong);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].events, uint32_t{EPOLLIN});
}

TEST_P(PollerTest, TellsThatThePeerWentWithoutBeingAsked) {
  ASSERT_EQ(poller_->watch(pair_[0], 0, watcher_), 0);
  EXPECT_EQ(eventsOf(watcher_), 0u);
  close(std::exchange(pair_[1], -1));
  EXPECT_NE(eventsOf(watcher_, kLong) & EPOLLHUP, 0u);
}

TEST_P(PollerTest, AnUnwatchedDescriptorIsClosedWhenItsOwnerClosesIt) {
  ASSERT_EQ(poller_->watch(pair_[0], EPOLLIN, watcher_), 0);
  EXPECT_EQ(eventsOf(watcher_), 0u);
  ASSERT_EQ(poller_->changeWatch(pair_[0], EPOLLIN | EPOLLOUT, watcher_), 0);  // leaves a request behind
  poller_->unwatch(pair_[0]);
  close(std::exchange(pair_[0], -1));
  char byte;
  EXPECT_EQ(read(pair_[1], &byte, 1), 0) << "the peer sees the end at once";
  EXPECT_TRUE(poller_->wait(0).empty());
}

TEST_P(PollerTest, APlaceThatIsUsedAgainHearsNothingOld) {
  ASSERT_EQ(poller_->watch(pair_[0], EPOLLIN, watcher_), 0);
  EXPECT_EQ(eventsOf(watcher_), 0u);
  peerWrites();  // its request completes, and is not looked at
  poller_->unwatch(pair_[0]);
  NoWatcher another;
  int quiet[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, quiet), 0);
  ASSERT_EQ(poller_->watch(quiet[0], EPOLLIN, another), 0);
  EXPECT_TRUE(poller_->wait(0).empty());
  poller_->unwatch(quiet[0]);
  close(quiet[0]);
  close(quiet[1]);
}

TEST_P(PollerTest, RefusesWhatCannotBeWatched) {
  EXPECT_EQ(poller_->watch(-1, EPOLLIN, watcher_), EBADF);
  EXPECT_EQ(poller_->changeWatch(pair_[0], EPOLLIN, watcher_), ENOENT);
  ASSERT_EQ(poller_->watch(pair_[0], EPOLLIN, watcher_), 0);
  EXPECT_EQ(poller_->watch(pair_[0], EPOLLIN, watcher_), EEXIST);
  poller_->unwatch(pair_[1]);  // was not watched: no error
}

TEST_P(PollerTest, WaitsForShortTimesAndForAWake) {
  const auto begin = std::chrono::steady_clock::now();
  int waits = 0;  // a signal may end one early
  for (; std::chrono::steady_clock::now() - begin < std::chrono::microseconds(300); ++waits) {
    EXPECT_TRUE(poller_->wait(300).empty());
  }
  EXPECT_LT(waits, 20) << "it does not wait";
  std::thread waker([this] { poller_->wake(); });
  std::span<epoll_event> events;
  while (events.empty()) events = poller_->wait(-1);  // a signal may end one early
  waker.join();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].data.ptr, nullptr);
  EXPECT_TRUE(poller_->wait(0).empty()) << "one wake, one event";
}

TEST_P(PollerTest, MoreThanOneQueueOfThem) {
  constexpr size_t kPairs = 1500;
  std::vector<std::array<int, 2>> pairs(kPairs);
  std::vector<NoWatcher> watchers(kPairs);
  for (size_t i = 0; i < kPairs; ++i) {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pairs[i].data()), 0);
    ASSERT_EQ(poller_->watch(pairs[i][0], EPOLLIN, watchers[i]), 0);
    ASSERT_EQ(write(pairs[i][1], "x", 1), 1);
  }
  size_t heard = 0;
  for (int turn = 0; turn < 100 && heard < kPairs; ++turn) {
    for (const epoll_event& event : poller_->wait(kLong)) {
      const auto place = static_cast<size_t>(static_cast<NoWatcher*>(event.data.ptr) - watchers.data());
      ASSERT_LT(place, kPairs);
      poller_->unwatch(pairs[place][0]);
      ++heard;
    }
  }
  EXPECT_EQ(heard, kPairs);
  for (const auto& pair : pairs) {
    close(pair[0]);
    close(pair[1]);
  }
}

INSTANTIATE_TEST_SUITE_P(Reactors, PollerTest, testing::Values(PollerKind::kEpoll, PollerKind::kUring),
                         [](const auto& each) { return reactorName(each.param); });

}  // namespace
}  // namespace vigil::runtime
