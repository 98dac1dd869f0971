// SlotMigrations as the source.
#include <algorithm>
#include <utility>

#include "cluster/planted_bugs.h"
#include "cluster/slot_migrations.h"

namespace vigil::cluster {

namespace {

constexpr MonoUs kRecordAgain = 1'000'000;  // for replicas that came with a full resync

}  // namespace

std::string SlotMigrations::refusal(const MigrationPlan& plan) const {
  const Node& me = state_.myself();
  const Node* target = state_.find(plan.target);
  if (target == nullptr) return "ERR Unknown node " + plan.target;
  if (target->isMyself()) return "ERR The target of a slot migration must be another node";
  if (!target->isMaster()) return "ERR Target node is not a master";
  if (target->failing() || !target->connected) return "ERR Target node " + plan.target + " cannot be reached";
  std::string error;
  plan.slots.forEach([&](uint16_t slot) {
    if (!error.empty()) return;
    if (state_.owner(slot) != &me) error = "ERR Slot " + std::to_string(slot) + " is not served by this node";
    if (state_.migrating.contains(slot)) error = "ERR Slot " + std::to_string(slot) + " is being migrated by CLUSTER SETSLOT";
  });
  for (const MigrationJob& job : jobs_) {
    if (!job.active()) continue;
    if (!job.exports) return "ERR This node is importing slots. Try again when that is over";
    if (error.empty() && job.slots.overlaps(plan.slots)) error = "ERR Some of the slots are being migrated already";
  }
  if (error.empty()) error = incapable(me);
  if (error.empty()) error = incapable(*target);
  return error;
}

std::string SlotMigrations::begin(const std::vector<MigrationPlan>& plans) {
  const Node& me = state_.myself();
  if (!me.isMaster()) return "ERR Slots can only be migrated away from a master";
  if (!state_.up) return "CLUSTERDOWN The cluster is down";
  SlotSet seen;
  for (const MigrationPlan& plan : plans) {
    if (std::string error = refusal(plan); !error.empty()) return error;
    if (seen.overlaps(plan.slots)) return "ERR Slots are named more than once";
    seen.add(plan.slots);
  }
  for (const MigrationPlan& plan : plans) {
    const Node& target = *state_.find(plan.target);
    MigrationJob& job = add(step_.dice.nodeId(), true, plan.slots, me.id, plan.target);
    step_.notice("Migration of slots " + rangesText(plan.slots) + " to node " + plan.target + " begins, its name is " + job.name);
    enter(job, Stage::kConnecting, kConnectPatience);
    order(job, Kind::kOpen, {.kind = Kind::kOpen, .peer = me.id, .address = target.address, .port = target.port});
  }
  return {};
}

std::string SlotMigrations::cancel() {
  std::string error;
  for (MigrationJob& job : jobs_) {
    if (!job.active() || !job.exports) continue;
    if (job.stage != Stage::kClaiming) {
      giveUp(job, {}, Stage::kCancelled);
      continue;
    }
    const Node* head = headOf(job);
    if (head == nullptr || head->has(kFail)) {
      // The user knows better whether it will ever come back.
      step_.warning("Node " + job.target + " may own slots " + rangesText(job.slots) + ". They are taken back (user request).");
      ownership_.bumpEpoch();
      takeBack(job);
      end(job, Stage::kCancelled, {});
    } else {
      error = "ERR Slots " + rangesText(job.slots) + " have been handed over to node " + job.target + ", which must answer first";
    }
  }
  return error;
}

void SlotMigrations::watch(MigrationJob& job) {
  if (job.stage == Stage::kClaiming) {
    if (step_.now.mono >= job.recordAt) {
      job.recordAt = step_.now.mono + kRecordAgain;
      record(job, MigrationRecord::Kind::kHandOff);
    }
    if (step_.now.mono < job.askAt) return step_.wake(job.askAt);
    const Node* head = headOf(job);
    if (head != nullptr && !head->isMyself() && !head->address.empty()) {
      order(job, Kind::kAsk, {.kind = Kind::kAsk, .address = head->address, .port = head->port, .epoch = state_.myself().configEpoch});
    }
    return askLater(job, kAskAgain);
  }
  const Node* target = state_.find(job.target);
  if (!allOwnedBy(job.slots, &state_.myself())) return giveUp(job, "the slots are not this node's any more");
  if (target == nullptr || !target->isMaster() || target->failing()) return giveUp(job, "the target is not there as a master any more");
  if (std::string why = incapable(state_.myself()) + incapable(*target); !why.empty()) return giveUp(job, why.substr(4));
  if (job.deadline != 0 && step_.now.mono > job.deadline) {
    return giveUp(job, job.stage == Stage::kConnecting ? "the target does not answer"
                                                       : "the hand-over took too long: the target or a replica is too slow");
  }
  if (job.stage == Stage::kHandedOff && !job.replicasHave) {
    order(job, Kind::kAwait, {.kind = Kind::kAwait, .offset = job.handOff, .replicas = acknowledgers()});
  }
}

void SlotMigrations::onSource(MigrationJob& job, const MigrationNews& news) {
  using News = MigrationNews::Kind;
  switch (news.kind) {
    case News::kAccepted:
      if (job.stage != Stage::kConnecting) return;
      enter(job, Stage::kCopying);
      return order(job, Kind::kCopy);
    case News::kCopied:
      if (job.stage == Stage::kCopying) enter(job, Stage::kCatchingUp);
      return;
    case News::kApplied:
      job.applied = std::max(job.applied, news.offset);
      if (job.stage == Stage::kCatchingUp && job.applied + kCloseEnough >= step_.around.offset && !betweenRoles_) {
        return hold(job);
      }
      return maybeClaim(job);
    case News::kHeld:
      if (job.stage != Stage::kHolding) return;
      job.stage = Stage::kHandedOff;
      job.handOff = news.offset;
      order(job, Kind::kAwait, {.kind = Kind::kAwait, .offset = job.handOff, .replicas = acknowledgers()});
      return maybeClaim(job);
    case News::kAcknowledged:
      job.replicasHave = job.replicasHave || job.stage == Stage::kHandedOff;
      return maybeClaim(job);
    case News::kRefused:
      return giveUp(job, news.text);  // the target has forgotten it: it will never claim
    case News::kLost:
    case News::kBroken:
      if (job.stage == Stage::kClaiming) return askLater(job, 0);
      return giveUp(job, news.text);
    case News::kDropped:
      if (job.stage != Stage::kClaiming) return;
      takeBack(job);
      return end(job, Stage::kFailed, "the target has given it up");
    default:
      return;
  }
}

void SlotMigrations::hold(MigrationJob& job) {
  enter(job, Stage::kHolding, kHoldPatience);
  state_.held.add(job.slots);
  records_[job.name] = {MigrationRecord::Kind::kHandOff, job.name, job.target, job.slots};
  updateHandedOff();
  order(job, Kind::kHold, {.kind = Kind::kHold, .peer = job.target});
}

void SlotMigrations::maybeClaim(MigrationJob& job) {
  if (job.stage != Stage::kHandedOff || job.applied < job.handOff) return;
  if (!job.replicasHave && !planted(kClaimEarly)) return;
  watch(job);  // once more: from here on there is no way back
  if (job.stage != Stage::kHandedOff) return;
  enter(job, Stage::kClaiming);
  job.recordAt = step_.now.mono + kRecordAgain;
  order(job, Kind::kClaim, {.kind = Kind::kClaim, .epoch = state_.myself().configEpoch});
  askLater(job, kAskAgain);
}

void SlotMigrations::askLater(MigrationJob& job, MonoUs delay) {
  job.askAt = step_.now.mono + delay;
  step_.wake(job.askAt);
}

// Commands on the slots go on: here, or where they are sent.
void SlotMigrations::release(MigrationJob& job) {
  state_.held.remove(job.slots);
  step_.route = true;
}

void SlotMigrations::giveUp(MigrationJob& job, std::string why, Stage stage) {
  if (job.stage >= Stage::kHolding) {
    record(job, MigrationRecord::Kind::kEnd);
    release(job);
  }
  records_.erase(job.name);
  updateHandedOff();
  order(job, Kind::kClose);
  end(job, stage, std::move(why));
}

void SlotMigrations::takeBack(MigrationJob& job) {
  Node& me = state_.myself();
  bool changed = false;
  job.slots.forEach([&](uint16_t slot) {
    const Node* owner = state_.owner(slot);
    if (owner == &me || (owner != nullptr && owner->configEpoch >= me.configEpoch)) return;
    state_.assign(slot, &me);
    changed = true;
  });
  if (changed) {
    step_.slotsChanged();
    step_.persist();
    speaker_.announce();
  }
  release(job);
  order(job, Kind::kClose);
  if (!allOwnedBy(job.slots, &me)) return order({.name = job.name, .slots = othersOf(job.slots)}, Kind::kSweep);
  record(job, MigrationRecord::Kind::kEnd);
  records_.erase(job.name);
  updateHandedOff();
}

SlotSet SlotMigrations::othersOf(const SlotSet& slots) const {
  SlotSet others;
  slots.forEach([&](uint16_t slot) {
    if (state_.owner(slot) != &state_.myself()) others.set(slot);
  });
  return others;
}

// The record in the log stays until none of the keys is left: whoever takes our place meanwhile finds it, and goes on.
void SlotMigrations::succeed(MigrationJob& job) {
  release(job);
  order(job, Kind::kClose);
  if (!planted(kLeaveStrays)) order({.name = job.name, .slots = othersOf(job.slots)}, Kind::kSweep);
  end(job, Stage::kSucceeded, {});
}

void SlotMigrations::swept(const std::string& name) {
  const auto at = records_.find(name);
  if (at == records_.end() || at->second.kind == MigrationRecord::Kind::kStage || !state_.myself().isMaster()) return;
  const MigrationJob* job = find(name);
  if (job != nullptr && job->active()) return;
  record({.name = name, .exports = true, .slots = at->second.slots, .target = at->second.peer}, MigrationRecord::Kind::kEnd);
  records_.erase(at);
  updateHandedOff();
}

}  // namespace vigil::cluster
