#include "sentinel/election.h"

#include <algorithm>

#include "sentinel/failover_flow.h"
#include "sentinel/judgement.h"
#include "sentinel/planted_bugs.h"
#include "sentinel/watch.h"

namespace vigil::sentinel {

namespace {

constexpr MonoUs kRankStep = ms(20);
constexpr int kRoundTripsPerRank = 3;
constexpr MonoUs kLeastRetry = ms(50);
constexpr MonoUs kMostRetry = ms(150);
constexpr MonoUs kAnswersWithin = ms(300);  // in the first election; twice as long in each that follows
constexpr int kMostDoublings = 10;

MonoUs electionTimeout(const Step& step, const MonitoredMaster& master) {
  return ms(std::min(step.state.times.electionTimeout, master.settings.failoverTimeoutMs));
}

MonoUs doubled(MonoUs first, const Step& step, const MonitoredMaster& master) {
  const int doublings = std::min(master.failover.failedElections, kMostDoublings);
  return std::min(first << doublings, electionTimeout(step, master));
}

MonoUs rankDelay(const Step& step, const MonitoredMaster& master) {
  int64_t before = 0;
  MonoUs roundTrip = 0;
  for (const auto& [id, sentinel] : master.sentinels) {
    if (sentinel->down()) continue;
    roundTrip = std::max(roundTrip, sentinel->link.roundTrip);
    if (id < step.state.id) ++before;
  }
  return before * std::max(kRankStep, kRoundTripsPerRank * roundTrip);
}

bool mustPause(Step& step, MonitoredMaster& master) {
  Failover& failover = master.failover;
  const MonoUs until = pauseEnd(master);
  if (step.now >= until) return false;
  if (failover.announcedDelay != failover.lastStarted) {
    failover.announcedDelay = failover.lastStarted;
    step.out.push_back({.kind = Effect::Kind::kLog,
                        .level = LogLevel::kWarning,
                        .text = "Next failover delay: I will not start a failover before",
                        .moment = until});
  }
  return true;
}

void stand(Step& step, MonitoredMaster& master) {
  Failover& failover = master.failover;
  failover.standAt = 0;
  failover.epoch = claimEpoch(step, master);
  failover.stage = Stage::kElecting;
  failover.since = step.now;
  failover.forced = false;
  step.event(LogLevel::kWarning, "+try-failover", master.self.get());
  step.plainEvent(LogLevel::kWarning, "+vote-for-leader", &master,
                  step.state.id + " " + std::to_string(failover.epoch));
  master.report.voted(step.state.id, step.state.id, failover.epoch, step.now);
  for (auto& [id, sentinel] : master.sentinels) sentinel->voteQuestion = 0;
  askOthers(step, master);
  askInfoOfReplicas(step, master);
  countVotes(step, master);
}

// Nobody we could hear of won. `another`: somebody did, or may, whose failover is waited for.
void lose(Step& step, MonitoredMaster& master, bool another) {
  Failover& failover = master.failover;
  step.event(LogLevel::kWarning, "-failover-abort-not-elected", master.self.get());
  failover.stage = Stage::kNone;
  failover.since = step.now;
  if (another) {
    failover.lastStarted = step.now;
    failover.failedElections = 0;
    return;
  }
  const MonoUs spread = static_cast<MonoUs>(step.random(static_cast<uint64_t>(kMostRetry - kLeastRetry)));
  failover.standAt = step.now + doubled(kLeastRetry + spread, step, master);
  ++failover.failedElections;
}

bool votedNow(const MonitoredMaster& master, const Instance& sentinel) {
  const bool ofThisEpoch = sentinel.voteEpoch == master.failover.epoch || planted(kOldVotesCount);
  return ofThisEpoch && !sentinel.vote.empty();
}

}  // namespace

void raiseEpoch(Step& step, const MonitoredMaster& master, uint64_t epoch) {
  if (epoch <= step.state.epoch) return;
  step.state.epoch = epoch;
  step.plainEvent(LogLevel::kWarning, "+new-epoch", &master, std::to_string(epoch));
}

uint64_t claimEpoch(Step& step, MonitoredMaster& master) {
  const uint64_t epoch = step.state.epoch + 1;
  raiseEpoch(step, master, epoch);
  master.ballot.vote(epoch, step.state.id, epoch);
  step.persist();
  return epoch;
}

MonoUs pauseEnd(const MonitoredMaster& master) {
  const MonoUs started = master.failover.lastStarted;
  return started == 0 ? 0 : started + 2 * ms(master.settings.failoverTimeoutMs);
}

void planElection(Step& step, MonitoredMaster& master) {
  master.failover.failedElections = 0;
  master.failover.standAt = step.now + rankDelay(step, master);
  holdElection(step, master);
}

void holdElection(Step& step, MonitoredMaster& master) {
  Failover& failover = master.failover;
  if (failover.stage == Stage::kElecting && !failover.forced) {
    if (!master.objectivelyDown()) return lose(step, master, false);
    if (step.now - failover.since > doubled(kAnswersWithin, step, master)) lose(step, master, false);
    return;
  }
  if (failover.underWay() || !master.objectivelyDown() || step.now < failover.standAt) return;
  if (!mustPause(step, master)) stand(step, master);
}

void countVotes(Step& step, MonitoredMaster& master) {
  if (master.failover.stage != Stage::kElecting || master.failover.forced) return;
  Tally tally;
  bool complete = true;  // everybody who can be reached has answered
  for (const auto& [id, sentinel] : master.sentinels) {
    if (votedNow(master, *sentinel)) {
      tally.add(sentinel->vote);
    } else if (sentinel->voteQuestion > sentinel->answers && !sentinel->down()) {
      complete = false;
    }
  }
  if (master.ballot.epoch == master.failover.epoch) tally.add(master.ballot.leader);
  const std::string winner = tally.winner(master.voters(), master.settings.quorum);
  if (winner == step.state.id) return onElected(step, master);
  if (complete) lose(step, master, !winner.empty());
}

void voteFor(Step& step, MonitoredMaster& master, uint64_t epoch, const std::string& candidate) {
  const uint64_t before = step.state.epoch;
  raiseEpoch(step, master, epoch);
  const bool voted = master.ballot.vote(epoch, candidate, step.state.epoch);
  if (voted) {
    // Its failover is waited for, as long as for one of our own; an election that we stand in is given up for it.
    master.failover.standAt = 0;
    if (candidate != step.state.id) {
      master.failover.lastStarted = step.now;
      if (master.failover.stage == Stage::kElecting && !master.failover.forced) lose(step, master, true);
    }
    step.plainEvent(LogLevel::kWarning, "+vote-for-leader", &master, candidate + " " + std::to_string(epoch));
    master.report.voted(step.state.id, candidate, epoch, step.now);
  }
  if (voted || step.state.epoch != before) step.persist();
}

}  // namespace vigil::sentinel
