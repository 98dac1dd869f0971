#include "sim/sentinel_safety.h"

#include "base/text.h"

namespace vigil::sim {

using sentinel::MonitoredMaster;
using sentinel::Stage;
using sentinel::State;

void SentinelSafety::fail(std::string why) {
  if (!failure_) failure_ = std::move(why);
}

void SentinelSafety::look(const SimSentinel& sentinel) {
  const State& state = sentinel.state();
  for (const auto& [name, master] : state.masters) {
    lookAtEpochs(sentinel, state, *master);
    lookAtVotes(*master);
    lookAtLeader(sentinel, state, *master);
    lookAtConfiguration(sentinel, *master);
  }
}

// "+vote-for-leader <id> <epoch>"
void SentinelSafety::onLog(const SimSentinel& sentinel, std::string_view line) {
  const auto words = splitArguments(line);
  if (!words || words->size() != 3 || words->front() != "+vote-for-leader") return;
  cast_[parseUint64((*words)[2]).value_or(0)].emplace(sentinel.host(), (*words)[1]);
}

void SentinelSafety::lookAtEpochs(const SimSentinel& sentinel, const State& state, const MonitoredMaster& master) {
  Seen& before = seen_[&sentinel];
  if (before.life == sentinel.lives()) {
    if (state.epoch < before.epoch) fail(sentinel.name() + "'s epoch went back to " + std::to_string(state.epoch));
    if (master.ballot.epoch < before.voteEpoch) fail(sentinel.name() + "'s vote went back to an older epoch");
    if (master.configEpoch < before.configEpoch) {
      fail(sentinel.name() + " took a configuration of epoch " + std::to_string(master.configEpoch) + " for one of " +
           std::to_string(before.configEpoch));
    }
  }
  before = {sentinel.lives(), state.epoch, master.ballot.epoch, master.configEpoch};
}

void SentinelSafety::told(const std::string& voter, uint64_t epoch, const std::string& vote) {
  const auto [at, first] = told_.emplace(std::pair(voter, epoch), vote);
  if (!first && at->second != vote) {
    fail(voter.substr(0, 8) + " voted twice in epoch " + std::to_string(epoch) + ": for " + at->second.substr(0, 8) +
         " and for " + vote.substr(0, 8));
  }
}

void SentinelSafety::lookAtVotes(const MonitoredMaster& master) {
  for (const auto& [id, other] : master.sentinels) {
    if (!other->vote.empty()) told(id, other->voteEpoch, other->vote);
  }
}

void SentinelSafety::lookAtLeader(const SimSentinel& sentinel, const State& state, const MonitoredMaster& master) {
  if (master.failover.stage < Stage::kChoosing || master.failover.forced) return;
  const uint64_t epoch = master.failover.epoch;
  const auto [at, first] = leaders_.emplace(epoch, state.id);
  if (at->second != state.id) {
    return fail("two leaders of epoch " + std::to_string(epoch) + ": " + at->second.substr(0, 8) + " and " +
                state.id.substr(0, 8));
  }
  if (!first) return;
  told(state.id, epoch, state.id);
  size_t votes = 0;
  for (const auto& [voter, vote] : cast_[epoch]) votes += vote == state.id ? 1 : 0;
  if (votes < sentinels_ / 2 + 1 || votes < quorum_) {
    fail(sentinel.name() + " leads in epoch " + std::to_string(epoch) + " with " + std::to_string(votes) +
         " votes of " + std::to_string(sentinels_) + ", quorum " + std::to_string(quorum_));
  }
}

void SentinelSafety::lookAtConfiguration(const SimSentinel& sentinel, const MonitoredMaster& master) {
  if (master.configEpoch == 0 || !byVote_) return;
  const std::string& host = master.currentAddress().host;
  const auto [at, first] = configurations_.emplace(master.configEpoch, std::pair(host, sentinel.name()));
  if (at->second.first != host) {
    fail("two configurations of epoch " + std::to_string(master.configEpoch) + ": " + at->second.first + " (" +
         at->second.second + ") and " + host + " (" + sentinel.name() + ")");
  }
}

}  // namespace vigil::sim
