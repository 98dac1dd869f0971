// FAILOVER: a master hands its role to one of its replicas and loses nothing. Pure.
//
//   none --start--> waiting_for_sync --the target has all--> in_progress --PSYNC accepted--> none, now a replica
//    ^                    |  \                                    |
//    |                    |   timed out with FORCE ---------------^
//    +---- aborted: by its user, by the time-out, by the target's refusal (from in_progress: master again) ----+
//
// Writes are paused from the start on, so that the offset which the target must reach stands still. Once the target has
// been asked it may have taken over, even if its answer is lost on the way: from then on the role is not taken back
// because of time, which could make two masters of one, but the target is asked again until it answers.
//
// Not thread safe. Times in microseconds of a monotonic clock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/ports/clock.h"
#include "replication/effect.h"

namespace vigil::replication {

struct FailoverRequest {
  std::optional<MasterAddress> target;  // TO host port; else whichever replica has everything first
  bool force = false;                   // when the time is up, the target takes over although it lacks something
  int64_t timeoutMs = 0;                // 0: none
};

class Failover {
 public:
  enum class State : uint8_t { kNone, kWaitingForSync, kInProgress };

  // A replica as its master sees it.
  struct Peer {
    MasterAddress address;  // where it takes clients
    bool online = false;
    oplog::Offset acked = 0;
  };

  struct Event {
    enum class Kind : uint8_t {
      kProgress,  // acknowledgements came, replicas came or went, or time passed
      kAsked,     // our PSYNC is about to be sent to the target
      kAccepted,  // the target answered our PSYNC: it is the master now
      kRejected,  // it refused: text
      kAbort,     // FAILOVER ABORT
    };
    Kind kind = Kind::kProgress;
    std::string text = {};
  };

  // The world is held, no write is under way. An error's text as the client sees it, or empty, and then writes are to be
  // paused.
  std::string start(MonoUs now, FailoverRequest request, std::span<const Peer> peers);
  // Behind start(): writes are paused, and the target must have the log up to here.
  void writesEndAt(oplog::Offset end) { end_ = end; }
  // Effects: kHandOver (become a replica of `master` and tell it so), kTakeBack (become master again), kResumeWrites.
  // `giveUpAfter`: within what time the target must have been asked.
  Effects step(MonoUs now, const Event& event, std::span<const Peer> peers, MonoUs giveUpAfter);

  State state() const { return state_; }
  // Whether a kHandOver of this number (Effect::id) still counts: it may be carried out late, and be aborted before.
  bool mayHandOver(uint64_t number) const { return state_ == State::kInProgress && number == number_; }
  static std::string_view stateName(State state);  // as INFO's master_failover_state has it

 private:
  void progress(MonoUs now, std::span<const Peer> peers, MonoUs giveUpAfter);
  void handOver(MonoUs now, const MasterAddress& target);
  void abort(const std::string& why);
  void log(LogLevel level, std::string text) { out_.push_back(Effect::log(level, std::move(text))); }

  State state_ = State::kNone;
  bool asked_ = false;   // kInProgress: the target may be master already
  uint64_t number_ = 0;  // of the failover; grows
  FailoverRequest request_;
  oplog::Offset end_ = 0;
  MonoUs deadline_ = 0;    // kWaitingForSync; 0: none
  MonoUs handedOver_ = 0;  // kInProgress: since when
  Effects out_;            // of this step
};

}  // namespace vigil::replication
