// One atomic migration of slots as one of its ends knows it, what its driver is to do for it, and what the driver tells.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ports/clock.h"
#include "base/slot_set.h"

namespace vigil::cluster {

struct MigrationJob {
  // The source's way:   connecting -> copying -> catching up -> holding -> handed off -> claiming -> succeeded
  // The target's way:   receiving -> preparing -> committing -> claiming -> succeeded
  // Before the source's `claiming` and the target's `committing` either may give up, and nothing has happened. From
  // there on the target's log decides, and the source asks until it knows.
  enum class Stage : uint8_t {
    kConnecting,
    kCopying,     // the snapshot is under way
    kCatchingUp,  // and the log's tail
    kHolding,     // the exclusive moment in which commands on the slots begin to wait is asked for
    kHandedOff,   // the record stands in our log; our replicas and the target are to have all up to there
    kReceiving,
    kPreparing,   // the target's replicas are to have all
    kCommitting,  // its record is to be in the log, and to be had by its replicas
    kClaiming,
    kSucceeded,
    kFailed,
    kCancelled,
  };
  std::string name = {};  // 40 hexadecimal digits
  bool exports = false;
  SlotSet slots = {};
  std::string source = {};  // nodes' ids
  std::string target = {};
  std::string targetShard = {};  // the source's: who of it is asked if the target itself has been forgotten
  Stage stage = Stage::kConnecting;
  std::string message = {};  // why it failed
  UnixMs created = 0;
  UnixMs updated = 0;
  UnixMs acknowledged = 0;  // the other side was heard last

  MonoUs deadline = 0;  // of a stage that has one
  MonoUs askAt = 0;      // kClaiming: the target is to be asked then
  MonoUs recordAt = 0;   // the record in doubt is to be repeated then
  uint64_t handOff = 0;  // offset behind the record
  uint64_t applied = 0;  // the target has all up to there
  bool replicasHave = false;
  bool recorded = false;  // the target's: the record stands in its log

  bool active() const { return stage < Stage::kSucceeded; }
};

// The word that CLUSTER GETSLOTMIGRATIONS shows.
std::string_view stateName(const MigrationJob& job);
// "0-10 20-20"
std::string rangesText(const SlotSet& slots);

// What the log holds of migrations, so that whoever continues that log knows it: as arguments of CLUSTER SYNCSLOTS in a note (command/log_note.h).
struct MigrationRecord {
  enum class Kind : uint8_t {
    kStage,    // the slots' keys are copies on their way here: hidden
    kCommit,   // all of them are here; they become ours when we claim them
    kDiscard,  // they have been deleted again
    kHandOff,  // commands on the slots wait: `peer` may claim them from here on
    kEnd,      // it is known whose the slots are, and nothing is left here of what is another's
  };
  Kind kind;
  std::string job;
  std::string peer;  // the other node's id
  SlotSet slots;
};
std::string_view recordName(MigrationRecord::Kind kind);

// For the driver. `job` and `slots` are always there.
struct MigrationOrder {
  enum class Kind : uint8_t {
    // The source's.
    kOpen,   // connect to address, port and ask to be received; kAccepted
    kCopy,   // send the slots' keys, then the log from there on; kCopied, and kApplied again and again
    kHold,   // world held: route anew, and log the hand-off to `peer`; kHeld
    kClaim,  // tell the target that all is there; kRefused if it wants no more of it
    kAsk,    // on a connection of its own: what has come of it? kPending, kDropped
    kClose,  // it is over here
    // The target's.
    kPrepare,  // `replicas` replicas are to acknowledge what the log holds; kPrepared
    kAnnounce,  // once the engine serves the slots: kServing
    kDiscard,  // delete what is hidden of the slots, and log that; the connection ends
    kSweep,    // delete what is there of the slots: they are others', and nobody serves it; kSwept
    // Both sides'.
    kRecord,  // world held: log `record`, with what belongs to it done here; kRecorded for a commit, kBroken if what was staged is not whole
    kAwait,   // `replicas` replicas are to acknowledge `offset`; kAcknowledged
  };
  Kind kind;
  std::string job = {};
  SlotSet slots = {};
  MigrationRecord::Kind record = MigrationRecord::Kind::kStage;
  std::string peer = {};
  std::string address = {};
  uint16_t port = 0;
  uint64_t offset = 0;
  size_t replicas = 0;
  uint64_t epoch = 0;  // kClaim, kAsk: of this node; the target's claim must have a greater one
};

struct MigrationNews {
  enum class Kind : uint8_t {
    kAccepted,
    kCopied,
    kApplied,  // offset
    kHeld,     // offset
    kRefused,  // text: why
    kLost,     // text: why; the connection
    kPending,
    kDropped,
    kPrepared,
    kRecorded,  // offset
    kBroken,    // text: why
    kAcknowledged,
    kServing,
    kSwept,
  };
  Kind kind = Kind::kAccepted;
  std::string job = {};
  uint64_t offset = 0;
  std::string text = {};
};

}  // namespace vigil::cluster
