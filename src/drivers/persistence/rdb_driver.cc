#include "drivers/persistence/rdb_driver.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "base/memory.h"
#include "base/ports/clock.h"
#include "base/ports/files.h"
#include "engine/deferred_reply.h"
#include "engine/version.h"
#include "engine/worker.h"
#include "persistence/rdb_file_target.h"

namespace vigil::drivers {

namespace {

constexpr int64_t kCronUs = 100'000;
constexpr MonoUs kRetryUs = 5'000'000;  // after a failed save, before the next is tried of the server's own account

constexpr char kInProgress[] = "Background save already in progress";

}  // namespace

RdbDriver::RdbDriver(engine::Engine& engine, RdbOptions& options)
    : engine_(engine), options_(options), executor_(engine.system().tasks.makeSerial("vigil-rdb", Urgency::kBulk)) {
  MutexLock lock(mutex_);
  status_.lastSave = unixSeconds();
}

RdbDriver::~RdbDriver() = default;

int64_t RdbDriver::unixSeconds() const { return engine_.system().clock.wall() / 1'000'000; }

void RdbDriver::start() {
  engine_.setFlushAllHook([this](command::Context& context) { return allFlushed(context); });
  timer_ = engine_.control().after(kCronUs, [this] { cron(); });
}

void RdbDriver::stop() {
  engine_.control().cancel(timer_);
  std::shared_ptr<RunningSnapshot> snapshot;
  std::shared_ptr<persistence::RdbSave> save;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    if (running_ != nullptr) {
      snapshot = running_->snapshot;
      save = running_->save;
    }
  }
  if (snapshot != nullptr) {
    snapshot->cancelHere();
    save->cancel("The server stops");
  }
  executor_->finish();
}

Status RdbDriver::goesOn() const {
  MutexLock lock(mutex_);
  if (stopped_) return fail("The server stops", ECANCELED);
  return {};
}

// --- Saving ----------------------------------------------------------------------------------------------------

persistence::RdbSaveOptions RdbDriver::saveOptions() const {
  return {.write = {.compress = options_.compression.load(), .checksum = options_.checksum.load()},
          .access = engine_.keyspace().accessPolicy(),
          .now = engine_.system().clock.wall() / 1000};
}

persistence::RdbFlow RdbDriver::flow() const {
  engine::Engine* engine = &engine_;
  return {.drained = [engine] { engine->wakeWorkers(); },
          .overBound =
              [engine](bool over) {
                const int others = engine->state().snapshotBacklog.fetch_add(over ? 1 : -1);
                if (!over && others == 1) engine->resumePaused();
              }};
}

persistence::RdbHeader RdbDriver::header(const SnapshotMoment& moment, bool aofBase) const {
  auto header = persistence::makeRdbHeader({.redisVersion = engine::kRedisVersion,
                                            .created = unixSeconds(),
                                            .usedMemory = usedMemory(),
                                            // Copies of slots on their way here are not in it: no log goes on from there.
                                            .replication = moment.logActive && !engine_.keyspace().hiddenSlots().any(),
                                            .streamDb = std::max(0, moment.selectedDb),
                                            .replicationId = moment.history.id,
                                            .replicationOffset = moment.offset,
                                            .aofBase = aofBase});
  header.databases = moment.databases;
  return header;
}

Status RdbDriver::begin(Kind kind, decltype(&RunningSnapshot::start) startSnapshot, Done done) {
  persistence::RdbFileTarget::Options file;
  file.path = options_.fileName.load();
  file.temporary = "temp-" + std::to_string(options_.processId.load()) + ".rdb";
  file.incrementalSync = options_.incrementalSync.load();
  file.beforeRename = [this] { aboutToRename(); };
  std::shared_ptr<persistence::RdbSave> save;
  {
    MutexLock lock(mutex_);
    if (stopped_) return fail("The server stops");
    if (running_ != nullptr) return fail(kInProgress);
    running_ = std::make_unique<Running>();
    running_->kind = kind;
    running_->done = std::move(done);
    running_->started = lastTry_ = engine_.system().clock.mono();
    scheduled_ = false;
    save = std::make_shared<persistence::RdbSave>(
        *executor_, std::make_unique<persistence::RdbFileTarget>(engine_.system().files, std::move(file)),
        engine_.keyspace().shardCount(), saveOptions(), flow(), [this](Status status) { ended(std::move(status)); });
    running_->save = save;
  }
  if (kind == Kind::kBackground) engine_.logger().notice("Background saving started");
  auto snapshot = startSnapshot(engine_, save, [this](const SnapshotMoment& moment) { begun(moment); });
  MutexLock lock(mutex_);
  if (running_ != nullptr && running_->save == save) running_->snapshot = std::move(snapshot);
  return {};
}

void RdbDriver::begun(const SnapshotMoment& moment) {
  std::shared_ptr<persistence::RdbSave> save;
  {
    MutexLock lock(mutex_);
    running_->dirty = moment.dirty;
    running_->keys = moment.keys;
    running_->moment = nextMoment();
    running_->flushes = std::exchange(flushes_, {});
    save = running_->save;
  }
  save->begin(header(moment, false));
}

// On the executor.
void RdbDriver::aboutToRename() {
  uint64_t moment = 0;
  {
    MutexLock lock(mutex_);
    moment = running_->moment;
  }
  MutexLock naming(nameMutex_);
  named_ = std::max(named_, moment);
}

Status RdbDriver::takeName(const std::string& temporary, uint64_t moment) {
  FileSystem& files = engine_.system().files;
  MutexLock naming(nameMutex_);
  if (moment < named_) return files.remove(temporary);
  if (auto renamed = files.rename(temporary, options_.fileName.load()); !renamed) return renamed;
  named_ = moment;
  return {};
}

// On the executor.
void RdbDriver::ended(Status status) {
  std::unique_ptr<Running> ended;
  bool again = false;
  {
    MutexLock lock(mutex_);
    ended = std::move(running_);
    const MonoUs took = engine_.system().clock.mono() - ended->started;
    if (status) {
      savedDirty_ = ended->dirty;
      status_.lastSave = unixSeconds();
      status_.lastSaveOk = true;
      ++status_.saves;
    } else if (ended->kind == Kind::kBackground && !ended->cancelled) {
      status_.lastSaveOk = false;
    }
    if (ended->kind == Kind::kBackground) status_.lastSaveSeconds = took / 1'000'000;
    if (!status && ended->cancelled) std::ranges::move(std::exchange(ended->flushes, {}), std::back_inserter(flushes_));
    again = std::exchange(scheduled_, false) && !stopped_;
  }
  logEnd(*ended, status);
  updateSaveFailed();
  if (!status && ended->snapshot != nullptr) ended->snapshot->cancel([] {});
  if (ended->done) ended->done(std::move(status));
  for (Task& flush : ended->flushes) flush();
  if (again) schedule();
}

void RdbDriver::logEnd(const Running& ended, const Status& status) const {
  Logger& logger = engine_.logger();
  if (status) {
    logger.notice("DB saved on disk");
    if (ended.kind == Kind::kBackground) logger.notice("Background saving terminated with success");
  } else if (ended.cancelled) {
    logger.warning("Background saving cancelled: " + status.error().message);
  } else {
    logger.warning(status.error().message);
    if (ended.kind == Kind::kBackground) logger.warning("Background saving error");
  }
}

void RdbDriver::updateSaveFailed() {
  const bool applies = options_.stopWritesOnError.load() && hasSavePoints();
  MutexLock lock(mutex_);
  engine_.state().saveFailed.store(applies && !status_.lastSaveOk, std::memory_order_relaxed);
}

void RdbDriver::schedule() {
  {
    MutexLock lock(mutex_);
    if (running_ != nullptr) {
      scheduled_ = true;
      return;
    }
  }
  if (!save(Kind::kBackground, nullptr)) {
    MutexLock lock(mutex_);
    scheduled_ = !stopped_;  // another one was quicker
  }
}

// With the world held.
void RdbDriver::cancelBackground() {
  std::shared_ptr<RunningSnapshot> snapshot;
  std::shared_ptr<persistence::RdbSave> save;
  {
    MutexLock lock(mutex_);
    if (running_ == nullptr || running_->kind != Kind::kBackground || running_->snapshot == nullptr) return;
    running_->cancelled = true;
    snapshot = running_->snapshot;
    save = running_->save;
  }
  snapshot->cancelHere();
  save->cancel("the data set is emptied, or saved otherwise");
}

// The keys are still there: a save of what is left takes its moment once the world is let go.
bool RdbDriver::allFlushed(command::Context& context) {
  cancelBackground();
  {
    MutexLock naming(nameMutex_);
    named_ = std::max(named_, nextMoment());
  }
  const bool saves = hasSavePoints();
  std::shared_ptr<engine::DeferredReply> later;
  if (saves && engine::DeferredReply::possible(context)) later = std::make_shared<engine::DeferredReply>(context);
  bool owed = false;  // an earlier one waits, though the save points have been taken away since
  {
    MutexLock lock(mutex_);
    owed = !flushes_.empty() || (running_ != nullptr && !running_->flushes.empty());
    // Whatever becomes of the save, as in Redis.
    if (later) flushes_.emplace_back([later] { later->answer([](command::Reply& reply) { reply.ok(); }); });
  }
  if (saves || owed) schedule();
  return later != nullptr;
}

// --- Save points -----------------------------------------------------------------------------------------------

bool RdbDriver::saveIsDue(std::string& why) const {
  if (running_ != nullptr || engine_.state().loading.load(std::memory_order_relaxed)) return false;
  const MonoUs sinceTry = engine_.system().clock.mono() - lastTry_;
  if (!status_.lastSaveOk && sinceTry <= kRetryUs) return false;
  if (scheduled_) return true;
  const int64_t changes = engine_.dirty() - savedDirty_;
  for (const SavePoint& point : options_.savePoints.load()) {
    if (changes >= point.changes && unixSeconds() - status_.lastSave > point.seconds) {
      why = std::to_string(point.changes) + " changes in " + std::to_string(point.seconds) + " seconds. Saving...";
      return true;
    }
  }
  return false;
}

void RdbDriver::cron() {
  timer_ = engine_.control().after(kCronUs, [this] { cron(); });
  updateSaveFailed();
  if (engine_.options().cronPaused.load(std::memory_order_relaxed)) return;
  std::string why;
  {
    MutexLock lock(mutex_);
    if (!saveIsDue(why)) return;
  }
  if (!why.empty()) engine_.logger().notice(why);
  schedule();
}

// --- Status ----------------------------------------------------------------------------------------------------

int64_t RdbDriver::lastSave() const {
  MutexLock lock(mutex_);
  return status_.lastSave;
}

RdbStatus RdbDriver::status() const {
  MutexLock lock(mutex_);
  RdbStatus status = status_;
  status.changesSinceLastSave = engine_.dirty() - savedDirty_;
  if (running_ != nullptr) {
    status.saveInProgress = running_->kind == Kind::kBackground;
    if (status.saveInProgress) {
      status.currentSaveSeconds = (engine_.system().clock.mono() - running_->started) / 1'000'000;
    }
    status.keysProcessed = running_->save->keysTaken();
    status.keysTotal = running_->keys;
  }
  return status;
}

}  // namespace vigil::drivers
