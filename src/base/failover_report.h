// What happened in a failover, for whoever must explain it afterwards: SENTINEL FAILOVER-REPORT, CLUSTER FAILOVER-REPORT,
// and the log. One observer's view: what it saw, heard and did.
//
// Plain state. Times are microseconds of a monotonic clock; what is shown is their distance from `begun`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ports/clock.h"

namespace vigil {

struct FailoverReport {
  // How those who fail masters over call what they have in common.
  struct Terms {
    std::string_view observer;  // who sees and votes: a Sentinel, a node
    std::string_view rank;      // what orders the candidates before their offsets do
  };

  struct Sighting {  // an observer sees the master as down
    std::string by;
    MonoUs at = 0;  // when we learned of it
  };
  struct Vote {
    std::string by;
    std::string candidate;
    uint64_t epoch = 0;
    MonoUs at = 0;
  };
  struct Candidate {
    std::string replica;
    int64_t rank = 0;  // the least is the best; -1: not known
    uint64_t offset = 0;
    std::string verdict;  // "chosen", or why not
  };

  bool exists = false;
  std::string cause;  // why the master was taken for down, or who asked
  std::string outcome = "under way";
  std::string oldMaster;
  std::string newMaster;
  uint64_t epoch = 0;
  MonoUs begun = 0;  // when the master was first seen as down, or the failover was asked for
  std::vector<Sighting> sightings;
  std::vector<Vote> votes;
  std::vector<Candidate> candidates;
  std::vector<std::pair<std::string, MonoUs>> stages;  // each with the moment at which it was reached
  uint64_t oldOffset = 0;  // that the old master is known to have had: when last seen, or as a replica of it has it
  MonoUs oldOffsetAt = 0;
  uint64_t newOffset = 0;  // the chosen replica's

  void begin(MonoUs now, std::string why) {
    *this = {};
    exists = true;
    cause = std::move(why);
    begun = now;
  }
  // A stage that is reached again, in a later attempt, counts as of then.
  void reached(std::string_view stage, MonoUs now);
  void seenBy(const std::string& observer, MonoUs now);
  // Attempts can go on for days: votes of the latest epochs alone are kept.
  void voted(const std::string& observer, const std::string& candidate, uint64_t inEpoch, MonoUs now);
  // The old master had at least `offset`.
  void oldMasterHad(uint64_t offset, MonoUs now) {
    if (offset <= oldOffset) return;
    oldOffset = offset;
    oldOffsetAt = now;
  }
  // The least number of bytes of the replication stream that are known to be lost: what the old master had when it was
  // last seen and the new one has not. More may have been written after that.
  uint64_t knownLoss() const { return newOffset != 0 && oldOffset > newOffset ? oldOffset - newOffset : 0; }

  // Lines for the log.
  std::vector<std::string> lines(const Terms& terms) const;
};

}  // namespace vigil
