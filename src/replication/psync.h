// What a master answers to PSYNC <id> <offset>: go on from there, or everything anew.
//
// Offsets of the wire are Redis's: the first byte of a history has number 1, so a replica that has the log up to offset
// o asks for o + 1.
#pragma once

#include <string>
#include <string_view>

#include "oplog/log.h"

namespace vigil::replication {

struct PsyncDecision {
  bool partial = false;
  oplog::Offset from = 0;  // partial: the log's offset to go on from
  std::string reason;      // full: a line for the log, empty if a full resync was asked for
};

// `first`, `end`: what the log holds. A request of the second id, or of an older one, is good up to where that history
// ended here.
PsyncDecision decidePsync(const oplog::History& history, oplog::Offset first, oplog::Offset end, bool backlog,
                          const std::string& replica, std::string_view id, oplog::Offset wireOffset);

}  // namespace vigil::replication
