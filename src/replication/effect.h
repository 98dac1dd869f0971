// What the replication cores ask their driver to do, in the order in which it is to be done.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/config_specials.h"
#include "base/log_line.h"
#include "oplog/log.h"

namespace vigil::replication {

struct Effect {
  enum class Kind : uint8_t {
    kLog,            // a line of the server's log: level, text
    kBecomeReplica,  // persist: writes by clients end here; world held
    kBecomeMaster,   // persist: the log goes on under `history`; world held
    kSetHistory,     // persist: the same bytes under a new id; world held
    kInstall,        // persist: the loaded data replaces the old, the log restarts at `offset` of `history`; world held
    kDropReplicas,   // our own replicas must ask again: the history that they follow is not ours any more
    kConnect,        // open a connection to `master`
    kSend,           // `text` to the peer
    kDisconnect,     // close the connection to the master, forget what it sent
    kReceiveSnapshot,   // what follows on the connection is the transfer of a snapshot as of `offset`
    kStream,            // what follows on the connection is the master's stream from the log's end on
    kStartSnapshot,     // for the replicas in `ids`, as of the moment at which it begins
    kPutOnline,         // replica `id` gets the log from where its cursor stands
    kDrop,              // close the connection of replica `id`
    kPing,              // a PING into the log
    kDropBacklog,       // nobody has needed the backlog for a long time: the history ends
    kHandOver,          // FAILOVER: become a replica of `master`, which is to become master
    kTakeBack,          // FAILOVER failed: become master again
    kResumeWrites,      // FAILOVER has ended, either way
    kHandOverAsked,     // the target of FAILOVER is about to be asked: what follows is sent unless it was given up
    kHandOverAnswered,  // the target of FAILOVER accepted our PSYNC, or refused it: `text`
  };
  Kind kind;
  std::string text = {};
  LogLevel level = LogLevel::kNotice;
  MasterAddress master = {};
  oplog::History history = {};
  oplog::Offset offset = 0;
  uint64_t id = 0;
  std::vector<uint64_t> ids = {};
  bool diskless = false;  // kStartSnapshot

  static Effect log(LogLevel level, std::string text) {
    return {.kind = Kind::kLog, .text = std::move(text), .level = level};
  }
};

using Effects = std::vector<Effect>;

// One line per effect, for transcripts in tests.
std::string describe(const Effects& effects);

}  // namespace vigil::replication
