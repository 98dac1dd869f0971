// Connections to other nodes that MIGRATE keeps for a while, since keys are usually moved in many calls. On the control
// loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/ports/event_loop.h"
#include "drivers/migration/transfer.h"

namespace vigil::drivers {

class PeerPool {
 public:
  static constexpr int64_t kKeepUs = 10'000'000;
  static constexpr size_t kMost = 64;

  // `count` shows how many there are.
  PeerPool(EventLoop& loop, std::atomic<int64_t>& count) : loop_(loop), count_(count) {}
  ~PeerPool();

  // One that was put there for this target, the last one first.
  std::optional<Peer> take(const std::string& target);
  void put(const std::string& target, Peer peer);

 private:
  // A peer that closes its end, or says something, is of no further use.
  struct Idle final : StreamHandler {
    Idle(PeerPool& owner, std::string where, Peer idle);
    void onReadable() override { pool.drop(this); }
    void onWritable() override {}
    PeerPool& pool;
    std::string target;
    Peer peer;
    MonoUs since;
  };

  void drop(Idle* idle);
  void sweep();
  void changed() { count_.store(static_cast<int64_t>(idle_.size()), std::memory_order_relaxed); }

  EventLoop& loop_;
  std::atomic<int64_t>& count_;
  std::list<std::unique_ptr<Idle>> idle_;  // the longest idle first
  TimerId timer_ = 0;
};

}  // namespace vigil::drivers
