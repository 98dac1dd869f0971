// SlotMigrations as the target.
#include <algorithm>
#include <utility>

#include "cluster/slot_migrations.h"

namespace vigil::cluster {

std::string SlotMigrations::receive(const std::string& name, const std::string& source, const SlotSet& slots,
                                    const SlotSet& held) {
  const Node& me = state_.myself();
  Node* from = state_.find(source);
  if (!me.isMaster()) return "ERR Slots can only be imported by a master";
  if (from == nullptr || from->isMyself()) return "ERR Unknown node " + source;
  if (slots.empty() || name.size() != kNodeIdSize || find(name) != nullptr) return "ERR No such migration can begin";
  if (!allOwnedBy(slots, from)) return "ERR Some of the slots are not known here to be those of node " + source;
  for (MigrationJob& job : jobs_) {
    if (!job.active()) continue;
    // Whoever begins anew with the same slots has given that up, and could not tell us.
    if (!job.exports && job.stage == Stage::kReceiving && job.source == source && job.slots.overlaps(slots)) {
      drop(job, "the source has begun anew");
      return "ERR This node still held what it had received of these slots before. Try again in a moment";
    }
    return "ERR This node is taking part in another migration. Try again when that is over";
  }
  bool moving = false;
  slots.forEach([&](uint16_t slot) { moving = moving || state_.importing.contains(slot); });
  if (moving) return "ERR Some of the slots are being imported by CLUSTER SETSLOT";
  if (std::string error = incapable(me) + incapable(*from); !error.empty()) return error;
  if (!held.empty()) {
    order({.name = name, .slots = held}, Kind::kSweep);
    return "ERR There are still keys of slots " + rangesText(held) + " to be deleted here. Try again in a moment";
  }
  MigrationJob& job = add(name, false, slots, source, me.id);
  records_[name] = {MigrationRecord::Kind::kStage, name, source, slots};
  enter(job, Stage::kReceiving);
  record(job, MigrationRecord::Kind::kStage);
  step_.notice("Import of slots " + rangesText(slots) + " from node " + source + " begins, its name is " + name);
  return {};
}

std::string SlotMigrations::claim(const std::string& name, uint64_t epoch) {
  MigrationJob* job = find(name);
  if (job == nullptr || job->exports || !job->active()) return "ERR There is no such import under way";
  state_.currentEpoch = std::max(state_.currentEpoch, epoch);
  if (job->stage != Stage::kReceiving) return {};
  if (betweenRoles_) return "ERR A replica is taking this node's place";
  enter(*job, Stage::kPreparing, kPreparePatience);
  order(*job, Kind::kPrepare, {.kind = Kind::kPrepare, .replicas = acknowledgers()});
  return {};
}

std::string SlotMigrations::outcome(const std::string& name, uint64_t epoch, const SlotSet& slots) {
  constexpr const char* kDropped = "DROPPED This node has given up the import, or never heard of it";
  Node& me = state_.myself();
  if (!me.isMaster()) return "ERR This node is not a master";
  state_.currentEpoch = std::max(state_.currentEpoch, epoch);
  bool mine = false;
  slots.forEach([&](uint16_t slot) { mine = mine || state_.owner(slot) == &me; });
  if (mine) {
    speaker_.announce();  // somebody has not heard
    return {};
  }
  MigrationJob* job = find(name);
  if (job != nullptr && job->active() && !job->exports) {
    if (job->stage == Stage::kReceiving) {
      drop(*job, "the source has lost the connection");
      return kDropped;
    }
    return {};
  }
  const auto record = records_.find(name);
  if (record == records_.end() || record->second.kind != MigrationRecord::Kind::kCommit) {
    if (job == nullptr || job->exports || job->stage != Stage::kSucceeded) return kDropped;
    speaker_.announce();  // they were ours, and have gone on to somebody else
    return {};
  }
  // We took the place of who committed it, or came back with the log that says so.
  std::erase_if(jobs_, [&](const MigrationJob& old) { return old.name == name; });
  MigrationJob& taken = add(name, false, record->second.slots, record->second.peer, me.id);
  takeSlots(taken);
  return {};
}

void SlotMigrations::watchImport(MigrationJob& job) {
  switch (job.stage) {
    case Stage::kReceiving: {
      const Node* source = state_.find(job.source);
      if (source == nullptr || source->failing()) return drop(job, "the source fails");
      if (!allOwnedBy(job.slots, source)) return drop(job, "the slots are not the source's any more");
      if (std::string why = incapable(state_.myself()); !why.empty()) return drop(job, why.substr(4));
      return;
    }
    case Stage::kPreparing:
      if (step_.now.mono > job.deadline) return drop(job, "the replicas are too slow");
      return;
    case Stage::kCommitting:
      // There is no way back: whoever takes our place may have the record.
      if (!job.recorded) return;
      order(job, Kind::kAwait, {.kind = Kind::kAwait, .offset = job.handOff, .replicas = acknowledgers()});
      if (step_.now.mono >= job.recordAt) {
        job.recordAt = step_.now.mono + kCommitAgain;
        record(job, MigrationRecord::Kind::kCommit);
      }
      return;
    default:
      return;
  }
}

void SlotMigrations::onTarget(MigrationJob& job, const MigrationNews& news) {
  using News = MigrationNews::Kind;
  switch (news.kind) {
    case News::kPrepared:
      if (job.stage != Stage::kPreparing) return;
      enter(job, Stage::kCommitting);
      job.recordAt = step_.now.mono + kCommitAgain;
      return record(job, MigrationRecord::Kind::kCommit);
    case News::kRecorded:
      if (job.stage != Stage::kCommitting || job.recorded) return;
      job.recorded = true;
      job.handOff = news.offset;
      records_[job.name].kind = MigrationRecord::Kind::kCommit;
      return order(job, Kind::kAwait, {.kind = Kind::kAwait, .offset = job.handOff, .replicas = acknowledgers()});
    case News::kAcknowledged:
      if (job.stage == Stage::kCommitting && job.recorded) takeSlots(job);
      return;
    case News::kServing:
      if (job.stage != Stage::kClaiming) return;
      speaker_.announce();
      records_.erase(job.name);
      order(job, Kind::kClose);
      return end(job, Stage::kSucceeded, {});
    case News::kBroken:
      if (job.stage != Stage::kClaiming && !job.recorded) drop(job, news.text);
      return;
    case News::kLost:
      if (job.stage == Stage::kReceiving) drop(job, news.text.empty() ? "the connection of the source was lost" : news.text);
      return;
    default:
      return;
  }
}

// Slots whose commit we found in the log of a master whose place we took, and that it took itself in spite of that, or
// somebody else since: what is here of them is of no use.
void SlotMigrations::dropStale() {
  for (auto& [name, record] : records_) {
    if (record.kind != MigrationRecord::Kind::kCommit) continue;
    const MigrationJob* job = find(name);
    if (job != nullptr && job->active()) continue;
    const Node* source = headOf({.target = record.peer});
    bool others = source != nullptr;
    record.slots.forEach([&](uint16_t slot) {
      const Node* owner = state_.owner(slot);
      others = others && owner != nullptr && !owner->isMyself() && owner != source && owner->id != record.peer;
    });
    if (!others) continue;
    record.kind = MigrationRecord::Kind::kHandOff;  // from here on as if we had given them away ourselves
    updateHandedOff();
    order({.name = name, .slots = record.slots}, Kind::kSweep);
  }
}

void SlotMigrations::takeSlots(MigrationJob& job) {
  Node& me = state_.myself();
  job.slots.forEach([&](uint16_t slot) {
    state_.importing.erase(slot);
    state_.assign(slot, &me);
  });
  ownership_.bumpEpoch();
  step_.slotsChanged();
  step_.persist();
  enter(job, Stage::kClaiming);
  order(job, Kind::kAnnounce);
}

void SlotMigrations::drop(MigrationJob& job, std::string why) {
  records_.erase(job.name);
  order(job, Kind::kDiscard);
  end(job, Stage::kFailed, std::move(why));
}

}  // namespace vigil::cluster
