#include "sim/planted.h"

#include <utility>

#include "cluster/planted_bugs.h"
#include "replication/planted_bugs.h"
#include "sentinel/planted_bugs.h"
#include "sim/sim_random.h"

namespace vigil {

namespace {
PlantedBug activeBug = PlantedBug::kNone;
sim::SimRandom* busyDice = nullptr;
double busyProbability = 0;
bool seemedBusy = false;
}  // namespace

bool planted(PlantedBug bug) { return bug == activeBug; }

bool lockSeemsBusy() {
  if (busyDice == nullptr || !busyDice->chance(busyProbability)) return false;
  return seemedBusy = true;
}

bool takeSeemingBusy() { return std::exchange(seemedBusy, false); }

namespace sim {

const std::vector<PlantedBugRow>& plantedBugs() {
  static const std::vector<PlantedBugRow> rows = {
      {PlantedBug::kServeBlockedTwice, "serve-blocked-twice", "engine"},
      {PlantedBug::kLostWake, "lost-wake", "engine"},
      {PlantedBug::kWatchNotTouched, "watch-not-touched", "engine"},
      {PlantedBug::kExpireEarly, "expire-early", "engine"},
      {PlantedBug::kReplyBeforeWrite, "reply-before-write", "everysec"},
      {PlantedBug::kReplyBeforeFsync, "reply-before-fsync", "always"},
      {PlantedBug::kSkipFsync, "skip-fsync", "always"},
      {PlantedBug::kTrustFailedFsync, "trust-failed-fsync", "always"},
      {PlantedBug::kTornTailKept, "torn-tail-kept", "always"},
      {PlantedBug::kSnapshotForgetsBucket, "snapshot-forgets-bucket", "rdb"},
      {PlantedBug::kFeedBeforeWrite, "feed-before-write", "master-dies"},
      {PlantedBug::kDropLastUnit, "drop-last-unit", "replication"},
      {PlantedBug::kApplyTwice, "apply-twice", "replication"},
      {PlantedBug::kApplyOutOfOrder, "apply-out-of-order", "replication"},
      {PlantedBug::kAnyHistory, "any-history", "master-dies"},
      {replication::kWaitCountsOnline, "wait-counts-online", "roles"},
      {replication::kFackNotSynced, "fack-not-synced", "roles"},
      {replication::kFailoverEarly, "failover-early", "roles"},
      {replication::kFailoverNotPaused, "failover-not-paused", "roles"},
      {replication::kDemotedWritable, "demoted-writable", "roles"},
      {replication::kSecondIdForEver, "second-id-for-ever", "roles"},
      {sentinel::kVoteNotPersisted, "vote-not-persisted", "sentinel"},
      {sentinel::kVoteTwice, "vote-twice", "sentinel"},
      {sentinel::kMajorityNotNeeded, "majority-not-needed", "sentinel"},
      {sentinel::kOldVotesCount, "old-votes-count", "sentinel"},
      {sentinel::kConfigEpochIgnored, "config-epoch-ignored", "sentinel"},
      {cluster::kVoteTwice, "cluster-vote-twice", "cluster"},
      {cluster::kVoteForgotten, "cluster-vote-forgotten", "cluster"},
      {cluster::kSameEpoch, "cluster-same-epoch", "cluster"},
      {cluster::kHandOverEarly, "cluster-hand-over-early", "cluster-by-hand"},
      {cluster::kClaimEarly, "cluster-claim-early", "cluster-moves"},
      {cluster::kLeaveStrays, "cluster-leave-strays", "cluster-moves"},
  };
  return rows;
}

void plant(PlantedBug bug) { activeBug = bug; }

BusyLocks::BusyLocks(SimRandom& random, double probability) {
  busyDice = &random;
  busyProbability = probability;
  seemedBusy = false;
}

BusyLocks::~BusyLocks() { busyDice = nullptr; }

}  // namespace sim

}  // namespace vigil
