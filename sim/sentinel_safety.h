// What no Sentinels may ever do, looked at after every step of a run:
//
//   - two leaders of one epoch, or one that fewer than a majority of all Sentinels and fewer than the quorum voted for;
//   - a Sentinel that tells two others two different votes of one epoch, also if it died in between;
//   - two addresses of the master in configurations of one epoch, if no user forces a failover;
//   - an epoch, of votes or of the configuration, that goes back while the process lives.
//
// What counts is what others were told: a vote that a process took back by dying before it told anybody was none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "sim/sim_sentinel.h"

namespace vigil::sim {

class SentinelSafety {
 public:
  // `byVote`: no user forces a failover, which takes an epoch that another may win at the same time.
  SentinelSafety(size_t sentinels, uint32_t quorum, bool byVote)
      : sentinels_(sentinels), quorum_(quorum), byVote_(byVote) {}

  void look(const SimSentinel& sentinel);
  // A line of a Sentinel's log.
  void onLog(const SimSentinel& sentinel, std::string_view line);

  const std::optional<std::string>& failure() const { return failure_; }
  size_t failovers() const { return leaders_.size(); }

 private:
  struct Seen {
    size_t life = 0;
    uint64_t epoch = 0;
    uint64_t voteEpoch = 0;
    uint64_t configEpoch = 0;
  };

  void fail(std::string why);
  void lookAtEpochs(const SimSentinel& sentinel, const sentinel::State& state, const sentinel::MonitoredMaster& master);
  void lookAtVotes(const sentinel::MonitoredMaster& master);
  void told(const std::string& voter, uint64_t epoch, const std::string& vote);
  void lookAtLeader(const SimSentinel& sentinel, const sentinel::State& state, const sentinel::MonitoredMaster& master);
  void lookAtConfiguration(const SimSentinel& sentinel, const sentinel::MonitoredMaster& master);

  const size_t sentinels_;
  const uint32_t quorum_;
  const bool byVote_;
  std::optional<std::string> failure_;
  std::map<const SimSentinel*, Seen> seen_;
  std::map<uint64_t, std::string> leaders_;                                 // by epoch, elected ones
  std::map<uint64_t, std::set<std::pair<std::string, std::string>>> cast_;  // by epoch: voter's host, for whom
  std::map<std::pair<std::string, uint64_t>, std::string> told_;            // voter's id and epoch, for whom
  std::map<uint64_t, std::pair<std::string, std::string>> configurations_;  // by epoch: the master, who had it first
};

}  // namespace vigil::sim
