// What happened in a failover, for whoever must explain it afterwards: SENTINEL FAILOVER-REPORT and the log.
//
// Plain state. Times are microseconds of a monotonic clock; what is shown is their distance from `begun`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ports/clock.h"

namespace vigil::sentinel {

struct FailoverReport {
  struct Sighting {  // a Sentinel sees the master as down
    std::string sentinel;
    MonoUs at = 0;  // when we learned of it
  };
  struct Vote {
    std::string sentinel;
    std::string candidate;
    uint64_t epoch = 0;
    MonoUs at = 0;
  };
  struct Candidate {
    std::string replica;
    int64_t priority = 0;
    uint64_t offset = 0;
    std::string verdict;  // "chosen", or why not
  };

  bool exists = false;
  std::string cause;  // why the master was taken for down, or who asked
  std::string outcome = "under way";
  std::string oldMaster;
  std::string newMaster;
  uint64_t epoch = 0;
  MonoUs begun = 0;  // when the master became subjectively down, or the failover was asked for
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
  void reached(std::string_view stage, MonoUs now) {
    if (exists) stages.emplace_back(stage, now);
  }
  void seenBy(const std::string& sentinel, MonoUs now);
  void voted(const std::string& sentinel, const std::string& candidate, uint64_t inEpoch, MonoUs now);
  // The least number of bytes of the replication stream that are known to be lost: what the old master had when it was
  // last seen and the new one has not. More may have been written after that.
  uint64_t knownLoss() const { return oldOffset > newOffset ? oldOffset - newOffset : 0; }

  // Lines for the log.
  std::vector<std::string> lines() const;
};

}  // namespace vigil::sentinel
