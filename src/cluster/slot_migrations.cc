#include "cluster/slot_migrations.h"

#include <algorithm>
#include <utility>

namespace vigil::cluster {

namespace {

constexpr MonoUs kRecordAgain = 1'000'000;  // for replicas that came with a full resync

SlotSet without(const SlotSet& all, const SlotSet& some) {
  SlotSet rest = all;
  some.forEach([&](uint16_t slot) { rest.reset(slot); });
  return rest;
}

bool overlap(const SlotSet& a, const SlotSet& b) {
  bool any = false;
  a.forEach([&](uint16_t slot) { any = any || b.test(slot); });
  return any;
}

}  // namespace

// --- What is known of them ---

MigrationJob* SlotMigrations::find(const std::string& name) {
  const auto at = std::ranges::find(jobs_, name, &MigrationJob::name);
  return at == jobs_.end() ? nullptr : &*at;
}

bool SlotMigrations::receiving(const std::string& job) const {
  return std::ranges::any_of(jobs_, [&](const MigrationJob& each) {
    return each.name == job && !each.exports && each.stage == Stage::kReceiving;
  });
}

MigrationJob& SlotMigrations::add(std::string name, bool exports, const SlotSet& slots, std::string source,
                                  std::string target) {
  jobs_.push_front({.name = std::move(name),
                    .exports = exports,
                    .slots = slots,
                    .source = std::move(source),
                    .target = std::move(target),
                    .created = step_.now.wall,
                    .updated = step_.now.wall,
                    .acknowledged = step_.now.wall,
                    .heard = step_.now.mono});
  ++active_;
  trim();
  return jobs_.front();
}

// The oldest that are over go first; those under way stay.
void SlotMigrations::trim() {
  for (size_t at = jobs_.size(); at-- > 1 && jobs_.size() > keep_ + active_;) {
    if (!jobs_[at].active()) jobs_.erase(jobs_.begin() + static_cast<ptrdiff_t>(at));
  }
}

void SlotMigrations::enter(MigrationJob& job, Stage stage, MonoUs patience) {
  job.stage = stage;
  job.updated = step_.now.wall;
  job.deadline = patience == 0 ? 0 : step_.now.mono + patience;
  if (patience != 0) step_.wake(job.deadline);
}

void SlotMigrations::order(const MigrationJob& job, Kind kind, MigrationOrder extra) {
  extra.kind = kind;
  extra.job = job.name;
  extra.slots = job.slots;
  step_.out.push_back({.kind = Effect::Kind::kMigration, .migration = std::make_shared<const MigrationOrder>(std::move(extra))});
}

void SlotMigrations::record(const MigrationJob& job, MigrationRecord::Kind kind) {
  order(job, Kind::kRecord, {.kind = Kind::kRecord, .record = kind, .peer = job.exports ? job.target : job.source});
}

void SlotMigrations::end(MigrationJob& job, Stage stage, std::string message) {
  enter(job, stage);
  --active_;
  job.message = std::move(message);
  const std::string what = (job.exports ? "Migration of slots " : "Import of slots ") + rangesText(job.slots) +
                           (job.exports ? " to node " + job.target : " from node " + job.source);
  if (stage == Stage::kSucceeded) {
    step_.notice(what + " succeeded.");
  } else {
    step_.warning(what + (stage == Stage::kCancelled ? " was cancelled." : " failed: " + job.message));
  }
}

Node* SlotMigrations::headOf(const std::string& id) {
  Node* node = state_.find(id);
  if (node == nullptr) return nullptr;
  if (node->isReplica() && node->master != nullptr) return node->master;
  if (!node->has(kFail)) return node;
  for (const auto& [otherId, other] : state_.nodes()) {
    if (other.get() != node && other->isMaster() && !other->has(kFail) && other->shardId == node->shardId) return other.get();
  }
  return node;
}

bool SlotMigrations::allOwnedBy(const SlotSet& slots, const Node* node) const {
  bool all = true;
  slots.forEach([&](uint16_t slot) { all = all && state_.owner(slot) == node; });
  return all;
}

// Of our replicas, those that could take our place.
size_t SlotMigrations::electable() const {
  const auto replicas = state_.replicasOf(state_.myself());
  return static_cast<size_t>(
      std::ranges::count_if(replicas, [](const Node* node) { return !node->has(kFail | kNoFailover); }));
}

// A master and its replicas must all know what the records in the log mean. Empty if they say that they do.
std::string SlotMigrations::incapable(const Node& head) const {
  auto refused = [](const Node& node) {
    return "ERR Node " + node.id +
           " does not announce that it can take part in atomic slot migrations. Move the slots with CLUSTER SETSLOT and MIGRATE";
  };
  if (!head.isMyself() && (head.capabilities & kMovesSlots) == 0) return refused(head);
  for (const Node* replica : state_.replicasOf(head)) {
    if (!replica->isMyself() && (replica->capabilities & kMovesSlots) == 0) return refused(*replica);
  }
  return {};
}

std::string SlotMigrations::busy() const {
  const bool any = std::ranges::any_of(jobs_, [](const MigrationJob& job) {
    return job.active() && job.stage != Stage::kReceiving && job.stage > Stage::kCatchingUp;
  });
  return any ? "ERR Slots are being handed over to another node at this moment, see CLUSTER GETSLOTMIGRATIONS. Try again" : "";
}

// --- What the log tells ---

void SlotMigrations::updateHandedOff() {
  state_.handedOff.clear();
  for (const auto& [job, record] : records_) {
    if (record.kind == MigrationRecord::Kind::kHandOff) record.slots.forEach([&](uint16_t slot) { state_.handedOff.set(slot); });
  }
}

void SlotMigrations::noted(const MigrationRecord& record) {
  MigrationJob* job = find(record.job);
  switch (record.kind) {
    case MigrationRecord::Kind::kStage:
      if (job == nullptr) {
        enter(add(record.job, false, record.slots, record.peer, {}), Stage::kReceiving);
        --active_;  // another node's business
      }
      records_[record.job] = record;
      break;
    case MigrationRecord::Kind::kCommit:
      if (job != nullptr) enter(*job, Stage::kSucceeded);
      records_[record.job] = record;
      break;
    case MigrationRecord::Kind::kDiscard:
      if (job != nullptr && job->stage != Stage::kSucceeded) enter(*job, Stage::kFailed);
      records_.erase(record.job);
      break;
    case MigrationRecord::Kind::kHandOff:
      records_[record.job] = record;
      break;
    case MigrationRecord::Kind::kEnd:
      records_.erase(record.job);
      break;
  }
  updateHandedOff();
}

void SlotMigrations::forgetRecords() {
  records_.clear();
  updateHandedOff();
}

void SlotMigrations::recovered() {
  jobs_.clear();
  active_ = 0;
  wasMaster_ = state_.myself().isMaster();
  if (wasMaster_) becameMaster();
}

void SlotMigrations::becameMaster() {
  for (MigrationJob& job : jobs_) {  // our master's, as its log told
    if (!job.active()) continue;
    enter(job, Stage::kFailed);
    job.message = "the master that took part in it was replaced";
  }
  active_ = 0;
  for (const auto& [name, record] : std::map(records_)) {
    switch (record.kind) {
      case MigrationRecord::Kind::kStage:
        order({.name = name, .slots = record.slots}, Kind::kDiscard);
        records_.erase(name);
        break;
      case MigrationRecord::Kind::kHandOff: {
        std::erase_if(jobs_, [&](const MigrationJob& job) { return job.name == name; });
        MigrationJob& job = add(name, true, record.slots, state_.myself().id, record.peer);
        step_.warning("Slots " + rangesText(job.slots) + " were being handed over to node " + job.target +
                      ". Asking there whose they are.");
        record.slots.forEach([&](uint16_t slot) {
          if (state_.owner(slot) == &state_.myself()) state_.held.set(slot);
        });
        step_.route = true;
        enter(job, Stage::kClaiming);
        askLater(job, 0);
        break;
      }
      default:
        break;  // a commit: claimed when we are asked for it
    }
  }
}

// What goes on does so elsewhere: the records stay, for who takes our place has them too.
void SlotMigrations::ceasedToBeMaster() {
  for (MigrationJob& job : jobs_) {
    if (!job.active()) continue;
    release(job);
    order(job, Kind::kClose);
    end(job, Stage::kFailed, "this node is a replica now");
  }
  active_ = 0;
}

void SlotMigrations::follow() {
  const bool master = state_.myself().isMaster();
  if (master != wasMaster_) {
    wasMaster_ = master;
    master ? becameMaster() : ceasedToBeMaster();
  }
  if (active_ == 0 || !master) return;
  for (MigrationJob& job : jobs_) {
    if (!job.exports || job.stage != Stage::kClaiming) continue;
    const Node* head = headOf(job.target);
    if (head != nullptr && !head->isMyself() && allOwnedBy(job.slots, head)) succeed(job);
  }
}

void SlotMigrations::tick() {
  if (state_.myself().isReplica()) {
    // A commit is of no interest any more once our master owns the slots.
    std::erase_if(records_, [&](const auto& entry) {
      return entry.second.kind == MigrationRecord::Kind::kCommit && allOwnedBy(entry.second.slots, state_.myself().master);
    });
    return;
  }
  if (active_ == 0) return;
  for (MigrationJob& job : jobs_) {
    if (job.active()) job.exports ? watch(job) : watchImport(job);
  }
}

void SlotMigrations::heard(const MigrationNews& news) {
  MigrationJob* job = find(news.job);
  if (job == nullptr || !job->active()) return;
  job->heard = step_.now.mono;
  job->acknowledged = step_.now.wall;
  job->exports ? onSource(*job, news) : onTarget(*job, news);
}

// --- The source ---

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
    if (error.empty() && overlap(job.slots, plan.slots)) error = "ERR Some of the slots are being migrated already";
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
    if (overlap(seen, plan.slots)) return "ERR Slots are named more than once";
    plan.slots.forEach([&](uint16_t slot) { seen.set(slot); });
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
    const Node* head = headOf(job.target);
    if (head != nullptr && head->has(kFail)) {
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
    const Node* head = headOf(job.target);
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
  if (job.stage == Stage::kCatchingUp && step_.now.mono - job.heard > std::max(step_.options.nodeTimeout, kSilence)) {
    return giveUp(job, "the target has fallen silent");
  }
  if (job.stage == Stage::kHandedOff && !job.replicasHave) {
    order(job, Kind::kAwait, {.kind = Kind::kAwait, .offset = job.handOff, .replicas = electable()});
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
      if (job.stage == Stage::kCatchingUp && job.applied + kCloseEnough >= step_.around.offset) return hold(job);
      return maybeClaim(job);
    case News::kHeld:
      if (job.stage != Stage::kHolding) return;
      job.stage = Stage::kHandedOff;
      job.handOff = news.offset;
      order(job, Kind::kAwait, {.kind = Kind::kAwait, .offset = job.handOff, .replicas = electable()});
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
  job.slots.forEach([&](uint16_t slot) { state_.held.set(slot); });
  records_[job.name] = {MigrationRecord::Kind::kHandOff, job.name, job.target, job.slots};
  updateHandedOff();
  order(job, Kind::kHold, {.kind = Kind::kHold, .peer = job.target});
}

void SlotMigrations::maybeClaim(MigrationJob& job) {
  if (job.stage != Stage::kHandedOff || job.applied < job.handOff || !job.replicasHave) return;
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
  state_.held = without(state_.held, job.slots);
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
  record(job, MigrationRecord::Kind::kEnd);
  release(job);
  records_.erase(job.name);
  updateHandedOff();
  order(job, Kind::kClose);
}

void SlotMigrations::succeed(MigrationJob& job) {
  record(job, MigrationRecord::Kind::kEnd);
  release(job);
  records_.erase(job.name);
  updateHandedOff();
  order(job, Kind::kClose);
  end(job, Stage::kSucceeded, {});
}

}  // namespace vigil::cluster
