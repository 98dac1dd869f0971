#include "cluster/slot_migrations.h"

#include <algorithm>
#include <utility>

namespace vigil::cluster {

// --- What is known of them ---

MigrationJob* SlotMigrations::find(const std::string& name) {
  const auto at = std::ranges::find(jobs_, name, &MigrationJob::name);
  return at == jobs_.end() ? nullptr : &*at;
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
                    .acknowledged = step_.now.wall});
  MigrationJob& job = jobs_.front();
  if (const Node* peer = exports ? state_.find(job.target) : nullptr; peer != nullptr) job.targetShard = peer->shardId;
  ++active_;
  trim();
  return jobs_.front();
}

// The oldest that are over go first; those under way stay.
void SlotMigrations::trim() {
  for (size_t at = jobs_.size(); at-- > 1 && jobs_.size() > kKept + active_;) {
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

// Whoever knows what has come of an export: the target, or who took its place.
Node* SlotMigrations::headOf(const MigrationJob& job) {
  Node* node = state_.find(job.target);
  if (node != nullptr && node->isReplica() && node->master != nullptr) return node->master;
  if (node != nullptr && !node->has(kFail)) return node;
  const std::string& shard = node != nullptr ? node->shardId : job.targetShard;
  for (const auto& [id, other] : state_.nodes()) {
    const bool heads = other->isMaster() && !other->has(kFail) && !other->isMyself();
    if (other.get() != node && heads && !shard.empty() && other->shardId == shard) return other.get();
  }
  return node;
}

bool SlotMigrations::allOwnedBy(const SlotSet& slots, const Node* node) const {
  bool all = true;
  slots.forEach([&](uint16_t slot) { all = all && state_.owner(slot) == node; });
  return all;
}

// Of our replicas, those that have to have a record before it counts: all, also such as are not to take our place, for
// acknowledgements do not say whose they are.
size_t SlotMigrations::acknowledgers() const {
  const auto replicas = state_.replicasOf(state_.myself());
  return static_cast<size_t>(std::ranges::count_if(replicas, [](const Node* node) { return !node->has(kFail); }));
}

// Somebody of another shard owns each of them, and may have got it from the target before we heard of that.
bool SlotMigrations::allElsewhere(const SlotSet& slots) const {
  bool all = true;
  slots.forEach([&](uint16_t slot) {
    const Node* owner = state_.owner(slot);
    all = all && owner != nullptr && !owner->isMyself() && owner->shardId != state_.myself().shardId;
  });
  return all;
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

bool SlotMigrations::concerns(uint16_t slot) const {
  return active_ != 0 &&
         std::ranges::any_of(jobs_, [&](const MigrationJob& job) { return job.active() && job.slots.test(slot); });
}

// --- What the log tells ---

void SlotMigrations::updateHandedOff() {
  state_.handedOff.clear();
  for (const auto& [job, record] : records_) {
    if (record.kind == MigrationRecord::Kind::kHandOff) state_.handedOff.add(record.slots);
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
  for (MigrationJob& job : jobs_) {  // our master's: nobody is going to tell us what comes of them
    if (!job.active()) continue;
    enter(job, Stage::kFailed);
    job.message = "the data set that it belonged to was replaced";
  }
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
        records_.erase(name);
        if (allOwnedBy(record.slots, &state_.myself())) {  // the log's end, which said so, was lost; they are not
          this->record({.name = name, .slots = record.slots, .source = record.peer}, MigrationRecord::Kind::kCommit);
        } else {
          order({.name = name, .slots = record.slots}, Kind::kDiscard);
        }
        break;
      case MigrationRecord::Kind::kHandOff: {
        std::erase_if(jobs_, [&](const MigrationJob& job) { return job.name == name; });
        MigrationJob& job = add(name, true, record.slots, state_.myself().id, record.peer);
        step_.warning("Slots " + rangesText(job.slots) + " were being handed over to node " + job.target +
                      ". Asking there whose they are.");
        record.slots.forEach([&](uint16_t slot) {
          if (state_.owner(slot) == &state_.myself()) state_.held.set(slot);
          state_.importing.erase(slot);  // keys of another's that were loaded: they are to be deleted, not to be kept
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
    const Node* head = headOf(job);
    if ((head != nullptr && !head->isMyself() && allOwnedBy(job.slots, head)) || allElsewhere(job.slots)) succeed(job);
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
  dropStale();
  if (active_ == 0) return;
  for (MigrationJob& job : jobs_) {
    if (job.active()) job.exports ? watch(job) : watchImport(job);
  }
}

void SlotMigrations::heard(const MigrationNews& news) {
  if (news.kind == MigrationNews::Kind::kSwept) return swept(news.job);
  MigrationJob* job = find(news.job);
  if (job == nullptr || !job->active()) return;
  job->acknowledged = step_.now.wall;
  job->exports ? onSource(*job, news) : onTarget(*job, news);
}

}  // namespace vigil::cluster
