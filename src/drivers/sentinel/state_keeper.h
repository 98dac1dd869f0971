// Keeps sentinel.conf up to date: makes its new text on the loop, writes that durably on a thread of its own, and lets
// what depends on a change go on once it is there. Changes that come while a write is under way are written together by
// the next one.
//
//   changed(), whenKept(then) --> [ write of all changes so far, on the disk's thread ] --> then(true)
//                                                                  `--- it failed ---------> then(false)
//
// On the control loop, but for start(). After a write that failed the next one begins when something waits again, or
// with write().
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/log_line.h"
#include "base/ports/event_loop.h"
#include "base/ports/executor.h"
#include "base/ports/system.h"
#include "base/result.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::drivers {

class StateKeeper {
 public:
  using Then = std::move_only_function<void(bool kept)>;

  StateKeeper(const System& system, Logger& logger, const ConfigRegistry& registry, std::string file);

  // Writes the file for the first time, before the loop runs, and waits for it.
  Status start(EventLoop& loop);
  // Waits until what is being written is there; nothing is called any more.
  void stop();

  // What the file says is out of date.
  void changed() { ++version_; }
  // Whether all is durable and nobody waits any more.
  bool settled() const { return kept_ == version_ && waiters_.empty(); }
  // Calls `then` once all changes so far are durable, or could not be made so: at once if they are. In order.
  void whenKept(Then then);
  // Begins to write what is not durable, unless that is under way.
  void write();

 private:
  struct Waiter {
    uint64_t version;
    Then then;
  };

  void written(uint64_t version, const Status& status);
  Result<std::string> newText() const;

  const System system_;
  Logger& logger_;
  const ConfigRegistry& registry_;
  const std::string file_;
  EventLoop* loop_ = nullptr;
  std::unique_ptr<SerialExecutor> disk_;
  uint64_t version_ = 0;  // of the state; grows with each change
  uint64_t kept_ = 0;     // the version that is durable; only grows
  bool writing_ = false;
  bool failing_ = false;  // the last write failed
  MonoUs retryAt_ = 0;    // it did; nobody waits for the next
  std::deque<Waiter> waiters_;
};

}  // namespace vigil::drivers
