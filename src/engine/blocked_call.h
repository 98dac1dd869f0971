// A command that waits for a key: what is needed to run it again, on whichever thread makes the key ready.
//
// Shared by the waiting session and by the queues of its keys. One claim decides between served (under the shards'
// locks, on any thread) and ended without (time-out, CLIENT UNBLOCK, disconnect: on the session's worker). An end that
// comes while somebody tries to serve the call waits for the outcome.
//
//   waiting --claim()--> serving --served()--> ended
//   serving --release()--> waiting, or ended if an end was asked for meanwhile
//   waiting --end()--> ended
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ports/event_loop.h"
#include "command/context.h"
#include "command/session.h"
#include "engine/acl/session_access.h"

namespace vigil::command {
struct CommandEntry;
}

namespace vigil::engine {

class Worker;

// How a wait ends other than by being served.
enum class Unblock : uint8_t { kTimeout, kError, kRoleChange, kMisplaced, kGone };

constexpr std::string_view kUnblockedByClient = "UNBLOCKED client unblocked via CLIENT UNBLOCK";

struct BlockedCall {
  struct Key {
    size_t argument;
    uint64_t hash;
  };
  command::Session session;  // as it was when the call was made: id, database, protocol
  acl::SessionAccess access;  // the session's, which may have less rights when the call is served
  Worker* worker = nullptr;  // where the session lives
  const command::CommandEntry* command = nullptr;
  std::string bytes;  // of the arguments
  std::vector<std::string_view> args;
  std::vector<Key> keys;
  command::TimeoutReply onTimeout = command::TimeoutReply::kNullArray;
  bool silent = false;  // CLIENT REPLY OFF or SKIP: no reply is wanted
  TimerId timer = 0;  // on the worker's loop
  int64_t tookNanos = 0;  // the first attempt; set and read on the worker

  // To serve it. If true, served() or release() must follow.
  bool claim() {
    uint8_t expected = kWaiting;
    return state_.compare_exchange_strong(expected, kServing);
  }
  void served() { state_.store(kEnded); }
  // It could not be served. Returns nullopt if it goes on waiting; else it has ended in this way, which the caller
  // tells the session's worker.
  std::optional<Unblock> release() {
    uint8_t expected = kServing;
    if (state_.compare_exchange_strong(expected, kWaiting)) return std::nullopt;
    state_.store(kEnded);
    return static_cast<Unblock>(expected - kEndAsked);
  }
  enum class End : uint8_t { kNow, kAsked, kTooLate };
  // To end it without serving it.
  End end(Unblock how) {
    for (uint8_t state = state_.load();;) {
      if (state == kEnded) return End::kTooLate;
      // Who is gone stays gone: nothing may be given to it, whatever else was asked for.
      if (state >= kEndAsked && how != Unblock::kGone) return End::kAsked;
      auto next = state == kWaiting ? kEnded : static_cast<uint8_t>(kEndAsked + static_cast<uint8_t>(how));
      if (state_.compare_exchange_weak(state, next)) return next == kEnded ? End::kNow : End::kAsked;
    }
  }

 private:
  static constexpr uint8_t kWaiting = 0;
  static constexpr uint8_t kServing = 1;
  static constexpr uint8_t kEnded = 2;
  static constexpr uint8_t kEndAsked = 3;  // + Unblock: being served, and to end if that fails
  std::atomic<uint8_t> state_{kWaiting};
};

}  // namespace vigil::engine
