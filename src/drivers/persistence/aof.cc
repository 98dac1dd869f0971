#include "drivers/persistence/aof.h"

#include <algorithm>
#include <utility>

#include "drivers/persistence/rdb_driver.h"
#include "drivers/wake_log.h"
#include "engine/engine.h"
#include "engine/version.h"
#include "persistence/aof_log_tail.h"
#include "wire/rdb_writer.h"

namespace vigil::drivers {

using oplog::Log;
using oplog::Offset;
using persistence::AofIncrement;

namespace {

constexpr int64_t kCronUs = 100'000;
constexpr int64_t kCronsPerSecond = 10;
constexpr MonoUs kRetryUs = 60'000'000;

}  // namespace

Aof::Aof(engine::Engine& engine, AofOptions& options, RdbDriver& rdb)
    : engine_(engine),
      options_(options),
      rdb_(rdb),
      directory_(engine.system().files, engine.logger(), options.folder.load(), options.fileName.load()),
      syncer_(engine.system().tasks.makeSerial("vigil-aofsync", Urgency::kPrompt)),
      baser_(engine.system().tasks.makeSerial("vigil-aofbase", Urgency::kBulk)),
      executor_(engine.system().tasks.makeSerial("vigil-aof", Urgency::kPrompt)),
      writer_(engine, directory_, options, *executor_, *syncer_) {}

Aof::~Aof() = default;

void Aof::start() {
  engine_.log().addSink(&writer_, 0);
  options_.applyAppendOnly = [this] { return follow(); };
  options_.applyFsync = [this] {
    writer_.policyChanged();
    return Status();
  };
  options_.applyKeepHistory = [this] {
    executor_->submit([this] {
      if (auto removed = removeHistory(); !removed) engine_.logger().warning(removed.error().message);
    });
    return Status();
  };
  engine_.shutdown().add({.stage = engine::Shutdown::Stage::kAof,
                          .start = [this](const engine::Shutdown::Request& request,
                                          Done done) { awaitFirstBase(request, std::move(done)); },
                          .hurry = [this] { exitWithoutBase(); },
                          .cancel =
                              [this] {
                                MutexLock lock(mutex_);
                                exit_ = nullptr;
                              }});
  timer_ = engine_.control().after(kCronUs, [this] { cron(); });
}

Status Aof::removeHistory() { return options_.keepHistory.load() ? Status() : directory_.removeHistory(); }

void Aof::stop() {
  engine_.control().cancel(timer_);
  options_.applyAppendOnly = nullptr;
  options_.applyFsync = nullptr;
  options_.applyKeepHistory = nullptr;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  if (RewritePtr rewrite = takeRewrite()) {
    if (rewrite->snapshot) rewrite->snapshot->cancelHere();
    rewrite->save->cancel("The server stops");
  }
  baser_->finish();
  syncer_->finish();
  executor_->submit([this] {
    if (!writer_.isOpen()) return;
    engine_.logger().notice("Calling fsync() on the AOF file.");
    writer_.close();
  });
  executor_->finish();
}

// --- Loading ---------------------------------------------------------------------------------------------------

void Aof::load(Done done) {
  engine_.state().loading.store(true);
  loadDone_ = std::move(done);
  executor_->submit([this] {
    if (auto opened = directory_.open(); !opened) return loadDone_(opened);
    if (directory_.empty()) return loaded({});
    auto loader = std::make_shared<AofLoader>(engine_, directory_, options_, rdb_, *executor_);
    loader->load([this](Result<AofLoadOutcome> outcome) {
      if (!outcome) return loadDone_(std::unexpected(outcome.error()));
      loaded(*outcome);
    });
  });
}

// A data set of no keys as the first base: an increment alone would not load in real Redis.
Status Aof::beginFresh() {
  const bool rdb = options_.rdbPreamble.load();
  if (auto made = directory_.makeFolder(); !made) return made;
  engine_.logger().notice("Creating AOF base file " + directory_.nextBaseName(rdb) + " on server start");
  auto target = baseTarget(rdb);
  wire::RdbWriter writer;
  writer.header();
  writer.aux("redis-ver", engine::kRedisVersion);
  writer.aux("redis-bits", 64);
  writer.aux("ctime", engine_.system().clock.wall() / 1'000'000);
  writer.aux("aof-base", 1);
  writer.finish();
  if (auto written = target->append(writer.take()); !written) return written;
  if (auto finished = target->finish(); !finished) return finished;
  return directory_.replaceBase(rdb, {});
}

void Aof::loaded(const AofLoadOutcome& outcome) {
  AofLoadOutcome found = outcome;
  if (directory_.empty()) {
    if (auto begun = beginFresh(); !begun) return loadDone_(begun);
    found.baseSize = fileSize(directory_.manifest().base->name);
  }
  const auto& increments = directory_.manifest().incremental;
  engine_.logger().notice(increments.empty()
                              ? "Creating AOF incr file " + directory_.nextIncrementName() + " on server start"
                              : "Opening AOF incr file " + increments.back().name + " on server start");
  auto file = directory_.openLastIncrement();
  if (!file) return loadDone_(std::unexpected(file.error()));
  (void)removeHistory();  // what a crash left; else after the next rewrite
  auto shared = std::make_shared<std::unique_ptr<AofIncrement>>(std::move(*file));
  engine_.withWorld([this, shared, found] { openAfterLoad(std::move(*shared), found); });
}

void Aof::openAfterLoad(std::unique_ptr<AofIncrement> file, const AofLoadOutcome& outcome) {
  Log& log = engine_.log();
  log.setNeeded(Log::Reason::kAof, true);
  int db = -1;
  if (outcome.resumable) {
    const auto& at = outcome.position;
    // What replicas may lack goes back into memory, so that those behind this node's disk need no full resync.
    std::string bytes;
    std::vector<uint32_t> units;
    if (outcome.tail->end() == at.offset) outcome.tail->collect(bytes, units);
    const Offset from = at.offset - static_cast<Offset>(bytes.size());
    if (engine_.state().replica.load()) {
      log.restart(outcome.history, from);
      db = at.db;
    } else {
      // A crash may have cost this node what its replicas have: replicas no further than this go on without a full
      // resync, in a history of a new name.
      log.restart(outcome.history.continuedByUsAs(log.history().id, at.offset), from);
    }
    if (!bytes.empty()) log.appendStream(bytes, units);
    log.setSelectedDb(db);
  }
  writer_.setOlderSize(outcome.incrementSize - std::min(outcome.incrementSize, file->size()));
  if (auto opened = writer_.open(std::move(file), db); !opened) return loadDone_(opened);
  {
    MutexLock lock(mutex_);
    baseBytes_ = outcome.baseSize;
    sizeAtRewrite_ = baseBytes_ + writer_.olderSize() + writer_.size();
  }
  if (recovered_) recovered_();
  engine_.state().loading.store(false);
  loadDone_({});
}

// --- On and off ------------------------------------------------------------------------------------------------

Status Aof::follow() {
  const bool on = options_.appendOnly.load();
  {
    MutexLock lock(mutex_);
    enabling_ = on && !writer_.isOpen();
  }
  executor_->submit([this, on] {
    if (on && !writer_.isOpen()) {
      enable();
    } else if (!on && writer_.isOpen()) {
      disable();
    }
  });
  return {};
}

void Aof::enable() {
  auto openFile = [this]() -> Result<std::unique_ptr<AofIncrement>> {
    if (auto opened = directory_.open(); !opened) return std::unexpected(opened.error());
    return directory_.openTemporaryIncrement();
  };
  auto file = openFile();
  if (!file) {
    engine_.logger().warning("Unable to turn on AOF: " + file.error().message + ". Trying again in a minute.");
    {
      MutexLock lock(mutex_);
      enabling_ = false;
      unlisted_ = true;
      retryAt_ = engine_.system().clock.mono() + kRetryUs;
    }
    return firstBaseEnded(std::unexpected(file.error()));
  }
  auto shared = std::make_shared<std::unique_ptr<AofIncrement>>(std::move(*file));
  engine_.withWorld([this, shared] { enableHere(std::move(*shared)); });
}

void Aof::enableHere(std::unique_ptr<AofIncrement> file) {
  Log& log = engine_.log();
  if (!enabled()) return;
  if (RewritePtr running = takeRewrite()) {
    if (running->snapshot) running->snapshot->cancelHere();
    running->save->cancel(
        "AOF was enabled but there is already an AOF rewriting in background. Stopping background AOF "
        "and starting a rewrite now.");
  }
  const std::string name = file->name();
  wakeLog(engine_, Log::Reason::kAof);
  writer_.setOlderSize(0);
  if (auto opened = writer_.open(std::move(file), log.selectedDb()); !opened) {
    engine_.logger().warning("Unable to turn on AOF: " + opened.error().message);
    return firstBaseEnded(opened);
  }
  auto rewrite = newRewrite(true);
  if (!rewrite) {
    engine_.logger().warning("The AOF's first base cannot be written now, trying again in one second: " +
                             rewrite.error().message);
    {
      MutexLock lock(mutex_);
      enabling_ = false;
      unlisted_ = true;
      retryAt_ = engine_.system().clock.mono() + 1'000'000;
    }
    return firstBaseEnded(std::unexpected(rewrite.error()));
  }
  {
    MutexLock lock(mutex_);
    enabling_ = false;
    unlisted_ = true;
    (*rewrite)->increment = name;
  }
  auto snapshot = RunningSnapshot::startHere(
      engine_, (*rewrite)->save,
      [this, running = *rewrite](const SnapshotMoment& moment) { snapshotBegun(running, moment); });
  MutexLock lock(mutex_);
  (*rewrite)->snapshot = std::move(snapshot);
}

void Aof::rebaseHere() {
  if (!enabled()) return;
  auto file = directory_.openTemporaryIncrement();
  if (file) return enableHere(std::move(*file));
  engine_.logger().warning(
      "Failed enabling the AOF after successful master synchronization! Trying it again in one second. " +
      file.error().message);
  MutexLock lock(mutex_);
  unlisted_ = true;
  retryAt_ = engine_.system().clock.mono() + 1'000'000;
}

void Aof::disable() {
  if (RewritePtr rewrite = takeRewrite()) {
    auto cancel = [save = rewrite->save] { save->cancel("AOF was turned off"); };
    rewrite->snapshot ? rewrite->snapshot->cancel(cancel) : cancel();  // none: its moment has not come yet
  }
  writer_.close();
  engine_.log().setNeeded(Log::Reason::kAof, false);
  {
    MutexLock lock(mutex_);
    enabling_ = unlisted_ = false;
  }
  firstBaseEnded({});
}

// --- Shutdown --------------------------------------------------------------------------------------------------

void Aof::awaitFirstBase(const engine::Shutdown::Request& request, Done done) {
  bool missing = false;
  bool comes = false;
  {
    MutexLock lock(mutex_);
    missing = unlisted_ || enabling_;
    comes = rewrite_ != nullptr || enabling_;
    if (missing && comes) exit_ = std::move(done);
  }
  if (!missing) return done({});
  if (!comes) return done(fail("Writing initial AOF, can't exit."));
  engine_.logger().notice("Writing initial AOF, the exit waits for it.");
  if (request.now || request.force) exitWithoutBase();
}

void Aof::exitWithoutBase() {
  Done done;
  {
    MutexLock lock(mutex_);
    done = std::exchange(exit_, nullptr);
  }
  if (!done) return;
  engine_.logger().warning("Writing initial AOF. Exiting anyway.");
  done({});
}

void Aof::firstBaseEnded(const Status& status) {
  Done done;
  {
    MutexLock lock(mutex_);
    enabling_ = false;
    done = std::exchange(exit_, nullptr);
  }
  if (!done) return;
  Status outcome;
  if (!status) outcome = fail("Writing initial AOF failed, can't exit.");
  engine_.control().post(
      [done = std::move(done), outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
}

// --- Now and then ----------------------------------------------------------------------------------------------

void Aof::cron() {
  timer_ = engine_.control().after(kCronUs, [this] { cron(); });
  if (++ticks_ % kCronsPerSecond == 0) writer_.tick();
  if (engine_.options().cronPaused.load(std::memory_order_relaxed)) return;
  const MonoUs now = engine_.system().clock.mono();
  bool due = false;
  bool begin = false;
  {
    MutexLock lock(mutex_);
    if (stopped_ || rewrite_ || engine_.state().loading.load()) return;
    begin = enabled() && (unlisted_ || writer_.lost()) && now >= retryAt_;
    due = !engine_.keyspace().hiddenSlots().any() &&
          (scheduled_ || (now >= retryAt_ && !unlisted_ && growthIsDue()));
  }
  if (begin) {
    executor_->submit([this] { enable(); });
    MutexLock lock(mutex_);
    retryAt_ = now + kRetryUs;
  } else if (due) {
    (void)rewrite();
  }
}

bool Aof::growthIsDue() {
  const int64_t percentage = options_.rewritePercentage.load();
  if (!writer_.isOpen() || percentage == 0) return false;
  const uint64_t size = baseBytes_ + writer_.olderSize() + writer_.size();
  if (size <= static_cast<uint64_t>(options_.rewriteMinSize.load())) return false;
  const uint64_t before = std::max<uint64_t>(1, sizeAtRewrite_);
  const auto growth = static_cast<int64_t>(size * 100 / before) - 100;
  if (growth < percentage) return false;
  engine_.logger().notice("Starting automatic rewriting of AOF on " + std::to_string(growth) + "% growth");
  return true;
}

AofStatus Aof::status() const {
  MutexLock lock(mutex_);
  AofStatus status = status_;
  status.enabled = enabled();
  status.rewriteInProgress = rewrite_ != nullptr;
  // Until the first base has begun, and while it waits for its next try: nothing is safe before it is there.
  status.rewriteScheduled = scheduled_ || enabling_ || (unlisted_ && rewrite_ == nullptr);
  if (rewrite_) status.currentRewriteSeconds = (engine_.system().clock.mono() - rewrite_->started) / 1'000'000;
  status.lastWriteOk = !writer_.failed();
  status.currentSize = baseBytes_ + writer_.olderSize() + writer_.size();
  status.baseSize = sizeAtRewrite_;
  status.bufferLength =
      writer_.isOpen() ? static_cast<uint64_t>(std::max<oplog::Offset>(0, engine_.log().end() - writer_.written())) : 0;
  status.pendingSync = writer_.syncing();
  status.delayedSyncs = writer_.delayedSyncs();
  return status;
}

uint64_t Aof::fileSize(const std::string& name) {
  auto file = engine_.system().files.open(directory_.path(name), FileSystem::Open::kRead);
  return file ? (*file)->size().value_or(0) : 0;
}

}  // namespace vigil::drivers
