#include "replication/psync.h"

#include "base/simulation.h"
#include "base/text.h"
#include "replication/planted_bugs.h"

namespace vigil::replication {

PsyncDecision decidePsync(const oplog::History& history, oplog::Offset first, oplog::Offset end, bool backlog,
                          const std::string& replica, std::string_view id, oplog::Offset wireOffset) {
  PsyncDecision decision;
  const bool current = equalsIgnoreCase(id, history.id) || (id != "?" && planted(PlantedBug::kAnyHistory));
  const std::optional<oplog::Offset> past = history.endOf(id);
  if (!current && !(past && (wireOffset <= *past || planted(kSecondIdForEver)))) {
    if (id == "?") return decision;
    if (!past) {
      decision.reason = "Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '" +
                        std::string(id) + "', my replication IDs are '" + history.id + "' and '" + history.previousId +
                        "')";
    } else {
      decision.reason = "Partial resynchronization not accepted: Requested offset for second ID was " +
                        std::to_string(wireOffset) + ", but I can reply up to " + std::to_string(*past);
    }
    return decision;
  }
  oplog::Offset from = wireOffset - 1;
  if (!backlog || from < first || from > end) {
    decision.reason = "Unable to partial resync with replica " + replica +
                      " for lack of backlog (Replica request was: " + std::to_string(wireOffset) + ").";
    if (from > end) {
      decision.reason = "Warning: replica " + replica +
                        " tried to PSYNC with an offset that is greater than the master replication offset.";
    }
    return decision;
  }
  decision.partial = true;
  decision.from = from;
  return decision;
}

}  // namespace vigil::replication
