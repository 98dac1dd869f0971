// Rewriting: a snapshot becomes the new base, and an increment that begins at its moment goes on.
#include <utility>

#include "drivers/persistence/aof.h"
#include "drivers/persistence/rdb_driver.h"
#include "engine/engine.h"
#include "persistence/rdb_file_target.h"
#include "persistence/resp_base_target.h"

namespace vigil::drivers {

namespace {

constexpr MonoUs kRetryUs = 60'000'000;
// A base holds no copies of slots on their way here, and the increment behind it would not do without.
constexpr const char* kSlotsUnderWay = "Slots are being imported or deleted at this moment";

}  // namespace

std::unique_ptr<persistence::RdbTarget> Aof::baseTarget(bool rdb) {
  persistence::RdbFileTarget::Options file;
  file.path = directory_.temporaryBasePath();
  file.temporary = file.path + ".tmp";
  file.incrementalSync = options_.incrementalFsync.load();
  auto target = std::make_unique<persistence::RdbFileTarget>(engine_.system().files, std::move(file));
  if (rdb) return target;
  return std::make_unique<persistence::RespBaseTarget>(std::move(target));
}

Result<Aof::RewritePtr> Aof::newRewrite(bool begins) {
  auto rewrite = std::make_shared<Rewrite>();
  rewrite->rdb = options_.rdbPreamble.load();
  rewrite->begins = begins;
  rewrite->started = engine_.system().clock.mono();
  MutexLock lock(mutex_);
  if (stopped_) return fail("The server stops");
  if (engine_.keyspace().hiddenSlots().any()) return fail(kSlotsUnderWay);
  if (rewrite_) return fail("Background append only file rewriting already in progress");
  auto options = rdb_.saveOptions();
  if (!rewrite->rdb) options.write.compress = false;
  rewrite->save = std::make_shared<persistence::RdbSave>(*baser_, baseTarget(rewrite->rdb),
                                                         engine_.keyspace().shardCount(), options, rdb_.flow(),
                                                         [this, weak = std::weak_ptr<Rewrite>(rewrite)](Status status) {
                                                           RewritePtr rewrite = weak.lock();
                                                           if (!rewrite) return;
                                                           {
                                                             MutexLock lock(mutex_);
                                                             rewrite->base = std::move(status);
                                                           }
                                                           executor_->submit([this, rewrite] { tryFinish(rewrite); });
                                                         });
  rewrite_ = rewrite;
  scheduled_ = false;
  writer_.setRewriting(true);
  return rewrite;
}

Aof::RewritePtr Aof::takeRewrite() {
  MutexLock lock(mutex_);
  if (rewrite_) writer_.setRewriting(false);
  return std::exchange(rewrite_, nullptr);
}

Status Aof::rewrite() {
  auto rewrite = newRewrite(false);
  if (!rewrite) return std::unexpected(rewrite.error());
  engine_.logger().notice("Background append only file rewriting started");
  if (!writer_.isOpen()) {
    // The AOF is off and may never have been on. The base is written on the same executor, behind this.
    baser_->submit([this] {
      if (auto made = directory_.makeFolder(); !made) engine_.logger().warning(made.error().message);
    });
  }
  auto snapshot = RunningSnapshot::start(
      engine_, (*rewrite)->save,
      [this, running = *rewrite](const SnapshotMoment& moment) { snapshotBegun(running, moment); });
  MutexLock lock(mutex_);
  (*rewrite)->snapshot = std::move(snapshot);
  return {};
}

void Aof::scheduleRewrite() {
  MutexLock lock(mutex_);
  scheduled_ = true;
}

void Aof::snapshotBegun(const RewritePtr& rewrite, const SnapshotMoment& moment) {
  if (engine_.keyspace().hiddenSlots().any()) {
    rewrite->save->cancel(kSlotsUnderWay);  // they began to come after it was asked for
  } else {
    rewrite->save->begin(rdb_.header(moment, true));
  }
  if (rewrite->begins) return;
  if (writer_.isOpen()) {
    writer_.turn([this, rewrite](Result<std::string> name) { incrementReady(rewrite, std::move(name)); });
  } else {
    executor_->submit([this, rewrite] { incrementReady(rewrite, std::string()); });
  }
}

void Aof::incrementReady(const RewritePtr& rewrite, Result<std::string> name) {
  {
    MutexLock lock(mutex_);
    rewrite->increment = std::move(name);
  }
  // Not from here: the writer is in the middle of its turn.
  executor_->submit([this, rewrite] { tryFinish(rewrite); });
}

void Aof::tryFinish(const RewritePtr& rewrite) {
  Status status;
  {
    MutexLock lock(mutex_);
    if (rewrite_ != rewrite || !rewrite->base || !rewrite->increment) return;
    status = *rewrite->base;
    if (status && !*rewrite->increment) status = std::unexpected(rewrite->increment->error());
  }
  if (status) {
    engine_.logger().notice("Background AOF rewrite terminated with success");
    status = replaceFiles(*rewrite);
  }
  finished(rewrite, status);
}

Status Aof::replaceFiles(const Rewrite& rewrite) {
  std::string increment;
  {
    MutexLock lock(mutex_);
    increment = **rewrite.increment;
  }
  if (!rewrite.begins) {
    // Without an AOF to go on (BGREWRITEAOF while it is off) the manifest was not read yet.
    if (increment.empty()) {
      if (auto opened = directory_.open(); !opened) return opened;
    }
    if (auto replaced = directory_.replaceBase(rewrite.rdb, increment); !replaced) return replaced;
    return {};
  }
  // What the temporary increment holds counts from now on, and is not more durable than appendfsync says.
  return writer_.renameFile(increment,
                            [&](persistence::AofIncrement& file) { return directory_.startOver(rewrite.rdb, file); });
}

void Aof::finished(const RewritePtr& rewrite, const Status& status) {
  const MonoUs now = engine_.system().clock.mono();
  const uint64_t base = status ? fileSize(directory_.manifest().base->name) : 0;
  {
    MutexLock lock(mutex_);
    if (rewrite_ == rewrite) rewrite_ = nullptr;
    status_.lastRewriteSeconds = (now - rewrite->started) / 1'000'000;
    status_.lastRewriteOk = status.has_value();
    writer_.setRewriting(false);
    if (status) {
      ++status_.rewrites;
      status_.consecutiveFailures = 0;
      if (rewrite->begins) unlisted_ = false;
      writer_.setOlderSize(0);
      baseBytes_ = base;
      sizeAtRewrite_ = base + writer_.size();
    } else {
      ++status_.consecutiveFailures;
      retryAt_ = now + kRetryUs;
    }
  }
  if (rewrite->begins) firstBaseEnded(status);
  if (!status) {
    engine_.logger().warning("Background AOF rewrite terminated with error: " + status.error().message);
    return;
  }
  if (auto removed = removeHistory(); !removed) engine_.logger().warning(removed.error().message);
  engine_.logger().notice("Background AOF rewrite finished successfully");
}

}  // namespace vigil::drivers
