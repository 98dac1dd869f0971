#include "cluster/election.h"

#include <algorithm>

#include "cluster/planted_bugs.h"

namespace vigil::cluster {

namespace {

constexpr MonoUs kOffsetPatience = 100'000;  // for siblings' offsets
constexpr MonoUs kRankStep = 1'000'000;      // how much longer the next best waits, as in Redis
constexpr MonoUs kStagger = 100'000;         // between candidates of masters that failed together
constexpr MonoUs kShortestPatience = 2'000'000;

}  // namespace

MonoUs Election::patience() const { return std::max(step_.options.nodeTimeout * 2, kShortestPatience); }

void Election::refuseOnce(std::string why) {
  if (refused_ == why) return;
  step_.notice("Currently unable to failover: " + why);
  const Node& me = state_.myself();
  if (me.master != nullptr) journal_.judge(*me.master, me, -1, why);
  refused_ = std::move(why);
}

bool Election::dataTooOld() const {
  const int64_t factor = step_.options.replicaValidityFactor;
  if (factor == 0) return false;
  if (!step_.around.linkedOnce) return true;
  const MonoUs age = step_.now.mono - step_.around.masterHeard - step_.options.nodeTimeout;
  return age > step_.options.replicaPingPeriod + step_.options.nodeTimeout * factor;
}

bool Election::masterGone() const { return state_.myself().master->has(kFail) || step_.around.masterEmpty; }

bool Election::electable(bool manual) {
  const Node& me = state_.myself();
  const Node* master = me.master;
  if (!me.isReplica() || master == nullptr || master->slotCount == 0 || (!manual && !masterGone()) ||
      (!manual && step_.options.replicaNoFailover)) {
    refused_.clear();
    return false;
  }
  if (!manual && dataTooOld()) {
    refuseOnce("Disconnected from master for longer than allowed. Please check the 'cluster-replica-validity-factor' "
               "configuration option.");
    return false;
  }
  return true;
}

void Election::stop() {
  stage_ = Stage::kIdle;
  votes_.clear();
}

void Election::proceed(bool manual) {
  if (!electable(manual)) return stop();
  if (stage_ == Stage::kIdle || (manual && !manual_ && stage_ != Stage::kAsking)) begin(manual);
  if (stage_ == Stage::kRanking) rankWhenHeard();
  if (stage_ == Stage::kWaiting) {
    if (step_.now.mono < until_) return step_.wake(until_);
    ask();
  }
  if (stage_ == Stage::kAsking && step_.now.mono - since_ > patience()) {
    refuseOnce("Failover attempt expired.");
    journal_.reached(*state_.myself().master, "no majority in epoch " + std::to_string(epoch_));
    stage_ = Stage::kPausing;
    until_ = step_.now.mono + step_.options.nodeTimeout + static_cast<MonoUs>(step_.dice.below(kRankStep / 2));
  }
  if (stage_ == Stage::kPausing && step_.now.mono >= until_) stage_ = Stage::kIdle;
}

void Election::begin(bool manual) {
  manual_ = manual;
  votes_.clear();
  since_ = step_.now.mono;
  if (manual) {
    stage_ = Stage::kWaiting;
    until_ = since_;
    return;
  }
  stage_ = Stage::kRanking;
  const Node& master = *state_.myself().master;
  if (!master.has(kFail)) step_.warning("Our master " + master.id + " came back without its data, which this replica has: asking for its place.");
  // Unless this node has begun it already, when it saw the failure itself.
  journal_.begin(master, master.has(kFail) ? "known to have failed" : "came back without its data");
  speaker_.announceToSiblings();
}

void Election::rankWhenHeard() {
  const Node& me = state_.myself();
  const bool complete = std::ranges::all_of(state_.replicasOf(*me.master), [&](const Node* sibling) {
    return sibling->isMyself() || sibling->failing() || sibling->has(kNoFailover) || sibling->offsetAt >= since_;
  });
  if (!complete && step_.now.mono - since_ < kOffsetPatience) return step_.wake(since_ + kOffsetPatience);
  const int place = rankOf(me);
  reportCandidates();
  const MonoUs delay = place * kRankStep + placeAmongFailed() * kStagger;
  step_.notice("Start of election delayed for " + std::to_string(delay / 1000) + " milliseconds (rank #" +
               std::to_string(place) + ", offset " + std::to_string(step_.around.offset) + ").");
  stage_ = Stage::kWaiting;
  until_ = step_.now.mono + delay;
}

// How many siblings would be the better choice: more data, or as much and the lesser id, so that only one is first.
int Election::rankOf(const Node& replica) const {
  auto offset = [&](const Node& node) { return node.isMyself() ? step_.around.offset : node.offset; };
  int better = 0;
  for (const Node* sibling : state_.replicasOf(*state_.myself().master)) {
    if (sibling == &replica || sibling->failing() || (sibling->has(kNoFailover) && !sibling->isMyself())) continue;
    const bool more = offset(*sibling) > offset(replica);
    if (more || (offset(*sibling) == offset(replica) && sibling->id < replica.id)) ++better;
  }
  return better;
}

void Election::reportCandidates() {
  const Node& master = *state_.myself().master;
  journal_.reached(master, "ranked");
  for (const Node* replica : state_.replicasOf(master)) {
    if (replica->failing()) {
      journal_.judge(master, *replica, -1, "it is down");
    } else if (replica->has(kNoFailover)) {
      journal_.judge(master, *replica, -1, "cluster-replica-no-failover");
    } else if (!replica->isMyself() && replica->offsetAt < since_) {
      journal_.judge(master, *replica, rankOf(*replica), "has not said how much it has since the master failed");
    } else {
      const int place = rankOf(*replica);
      journal_.judge(master, *replica, place, place == 0 ? "has most data: stands first" : "another has more data, or as much and the lesser id");
    }
  }
}

// An epoch has one vote of each master: those who ask at once would spoil each other's election.
int Election::placeAmongFailed() const {
  const Node* master = state_.myself().master;
  int place = 0;
  for (const auto& [id, node] : state_.nodes()) {
    if (node->votes() && node->has(kFail) && node->id < master->id) ++place;
  }
  return place;
}

void Election::ask() {
  epoch_ = planted(kSameEpoch) ? state_.currentEpoch : ++state_.currentEpoch;
  // Its own vote of this epoch is for itself. A replica has none; but when it has won it is a master, and one that voted
  // in the same epoch could help a second candidate to a majority.
  if (!planted(kSameEpoch)) state_.lastVoteEpoch = epoch_;
  votes_.clear();
  stage_ = Stage::kAsking;
  since_ = step_.now.mono;
  step_.persist();
  step_.notice("Starting a failover election for epoch " + std::to_string(epoch_) + ".");
  const Node* master = state_.myself().master;
  // By hand it may be soon after this node became a replica: a redis-server believes no vote request of what it takes for
  // a master.
  if (manual_) speaker_.announce();
  if (FailoverReport* report = journal_.of(*master)) report->epoch = epoch_;
  journal_.reached(*master, "votes asked for");
  const bool failed = master->has(kFail);
  speaker_.requestVotes(failed ? master : nullptr, manual_ || !failed);
  step_.wake(since_ + patience() + 1);
}

void Election::voted(const Node& by, uint64_t currentEpoch) {
  if (stage_ != Stage::kAsking || !by.votes() || currentEpoch < epoch_) return;
  votes_.insert(by.id);
  const Node& me = state_.myself();
  if (FailoverReport* report = me.master != nullptr ? journal_.of(*me.master) : nullptr) {
    report->voted(by.id, me.id, epoch_, step_.now.mono);
  }
  if (votes_.size() >= state_.quorum()) win();
}

void Election::win() {
  Node& me = state_.myself();
  step_.notice("Failover election won: I'm the new master.");
  if (me.configEpoch < epoch_) {
    me.configEpoch = epoch_;
    step_.notice("configEpoch set to " + std::to_string(epoch_) + " after successful failover");
  }
  promote();
}

void Election::takeOver() {
  journal_.begin(*state_.myself().master, "CLUSTER FAILOVER TAKEOVER");
  ownership_.bumpEpoch();
  promote();
}

void Election::promote() {
  Node& me = state_.myself();
  Node* former = me.master;
  state_.makeMaster(me);
  if (former != nullptr) {
    SlotSet(former->slots).forEach([&](uint16_t slot) {
      if (!state_.handedOff.test(slot)) state_.assign(slot, &me);
    });
    journal_.succeed(*former, me, me.configEpoch);
  }
  step_.slotsChanged();
  step_.persist();
  step_.out.push_back({.kind = Effect::Kind::kPromote});
  stop();
  refused_.clear();
  speaker_.announce();
}

// --- Voting ---

void Election::asked(Node& candidate, const BusMessage& request) {
  Node& me = state_.myself();
  Node* master = candidate.master;
  const bool force = (request.messageFlags & kBusForceVote) != 0;
  if (!me.votes()) return;
  auto deny = [&](const std::string& why) {
    step_.notice("Failover auth denied to " + candidate.id + ": " + why);
    if (master != nullptr) journal_.judge(*master, candidate, -1, "this node's vote was denied to it: " + why);
  };
  if (request.currentEpoch < state_.currentEpoch) {
    return deny("reqEpoch (" + std::to_string(request.currentEpoch) + ") < curEpoch(" + std::to_string(state_.currentEpoch) + ")");
  }
  if (state_.lastVoteEpoch == state_.currentEpoch && !planted(kVoteTwice)) {
    return deny("already voted for epoch " + std::to_string(state_.currentEpoch));
  }
  if (!candidate.isReplica()) return deny("it is a master node");
  if (master == nullptr) return deny("I don't know its master");
  if (!master->has(kFail) && !force) return deny("its master is up");
  const MonoUs voted = master->votedAt;
  if (voted != 0 && step_.now.mono - voted < step_.options.nodeTimeout * 2) {
    return deny("can't vote about this master before " +
                std::to_string((voted + step_.options.nodeTimeout * 2 - step_.now.mono) / 1000) + " milliseconds");
  }
  bool stale = false;
  request.slots.forEach([&](uint16_t slot) {
    const Node* owner = state_.owner(slot);
    stale = stale || (owner != nullptr && owner->configEpoch > request.configEpoch);
  });
  if (stale) return deny("it claims slots in an epoch older than their owner's");
  state_.lastVoteEpoch = state_.currentEpoch;
  master->votedAt = step_.now.mono;
  if (!planted(kVoteForgotten)) step_.persist();
  speaker_.vote(candidate);
  FailoverReport& report = journal_.begin(*master, force ? "CLUSTER FAILOVER at " + candidate.id : "known to have failed");
  report.voted(me.id, candidate.id, state_.currentEpoch, step_.now.mono);
  journal_.judge(*master, candidate, -1, "has this node's vote");
  step_.notice("Failover auth granted to " + candidate.id + " for epoch " + std::to_string(state_.currentEpoch));
}

}  // namespace vigil::cluster
