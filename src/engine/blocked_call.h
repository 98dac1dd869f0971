// A command that waits for a key: what is needed to run it again, on whichever thread makes the key ready.
//
// Shared by the waiting session and by the queues of its keys. Whoever wins claim() decides how the wait ends: served
// (under the shard's lock), timed out, unblocked or gone (on the session's worker). What loses finds it claimed and
// drops it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ports/event_loop.h"
#include "command/context.h"
#include "command/session.h"

namespace vigil::command {
struct CommandEntry;
}

namespace vigil::engine {

class Worker;

struct BlockedCall {
  struct Key {
    size_t argument;
    uint64_t hash;
  };
  command::Session session;  // as it was when the call was made: id, database, protocol
  Worker* worker = nullptr;  // where the session lives
  const command::CommandEntry* command = nullptr;
  std::string bytes;  // of the arguments
  std::vector<std::string_view> args;
  std::vector<Key> keys;
  command::TimeoutReply onTimeout = command::TimeoutReply::kNullArray;
  TimerId timer = 0;  // on the worker's loop

  bool claim() {
    bool expected = false;
    return claimed_.compare_exchange_strong(expected, true);
  }
  void release() { claimed_.store(false); }
  bool claimed() const { return claimed_.load(); }

 private:
  std::atomic<bool> claimed_{false};
};

}  // namespace vigil::engine
