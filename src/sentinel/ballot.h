// Votes for who leads the failover of one master: at most one vote per epoch and Sentinel, the first who asks gets it.
//
// Pure. Who wins has a majority of all Sentinels that are known, also of those that cannot be reached, and at least the
// quorum: so no two win in one epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "sentinel/planted_bugs.h"

namespace vigil::sentinel {

struct Ballot {
  std::string leader;  // our vote; empty: none yet. Durable before anybody hears of it
  uint64_t epoch = 0;  // of that vote; only grows

  // Votes if this epoch's vote is free. True: it was, and is durable only once it has been written.
  bool vote(uint64_t askedEpoch, std::string_view candidate, uint64_t currentEpoch) {
    if (epoch >= askedEpoch && !(planted(kVoteTwice) && epoch == askedEpoch)) return false;
    if (currentEpoch > askedEpoch) return false;
    leader = candidate;
    epoch = askedEpoch;
    return true;
  }
};

class Tally {
 public:
  void add(const std::string& candidate) { ++votes_[candidate]; }
  // The winner, empty if there is none. `voters`: how many Sentinels there are, with ourselves.
  std::string winner(size_t voters, size_t quorum) const {
    const size_t needed = planted(kMajorityNotNeeded) ? 1 : voters / 2 + 1;
    for (const auto& [candidate, votes] : votes_) {
      if (votes >= needed && votes >= quorum) return candidate;
    }
    return {};
  }

 private:
  std::map<std::string, size_t> votes_;
};

}  // namespace vigil::sentinel
