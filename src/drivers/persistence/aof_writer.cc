#include "drivers/persistence/aof_writer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/simulation.h"
#include "engine/engine.h"

namespace vigil::drivers {

using oplog::CommitPoint;
using oplog::Cursor;
using persistence::AofHead;
using persistence::AofIncrement;
using persistence::SelectScanner;

namespace {

constexpr size_t kSpilledRead = 1 << 20;
constexpr oplog::Offset kParkBehind = 64 << 20;   // bytes of the log that are not written
constexpr UnixUs kErrorLogInterval = 30'000'000;  // a full disk is not to be filled with lines about it
constexpr oplog::Offset kNever = std::numeric_limits<oplog::Offset>::max();

}  // namespace

AofWriter::AofWriter(engine::Engine& engine, persistence::AofDirectory& directory, const AofOptions& options,
                     SerialExecutor& executor, SerialExecutor& syncer)
    : engine_(engine),
      log_(engine.log()),
      directory_(directory),
      options_(options),
      executor_(executor),
      syncer_(syncer),
      nextTurn_(kNever) {}

// --- Opening and closing ---------------------------------------------------------------------------------------

Status AofWriter::beginFile(std::unique_ptr<AofIncrement> file, const AofHead& head) {
  if (auto written = file->writeHead(head); !written) return written;
  if (auto synced = file->file()->sync(); !synced) return synced;
  useFile(std::move(file));
  return {};
}

// The manifest names the file only once its head is durable: where a head says that it goes on, a reader of the file
// before it stops.
Result<std::string> AofWriter::beginListed(const AofHead& head) {
  auto next = directory_.createIncrement();
  if (!next) return std::unexpected(next.error());
  AofIncrement& file = **next;
  if (auto written = file.writeHead(head); !written) return std::unexpected(written.error());
  if (auto synced = file.file()->sync(); !synced) return std::unexpected(synced.error());
  if (auto listed = directory_.addToManifest(file.name()); !listed) return std::unexpected(listed.error());
  useFile(std::move(*next));
  return file_->name();
}

void AofWriter::useFile(std::unique_ptr<AofIncrement> file) {
  if (file_) setOlderSize(olderSize() + file_->size());
  file_ = std::move(file);
  ++generation_;
  syncedSize_ = file_->size();
  size_.store(file_->size(), std::memory_order_relaxed);
}

Status AofWriter::open(std::unique_ptr<AofIncrement> file, int db) {
  MutexLock guard(mutex_);
  history_ = log_.history().id;
  const Offset at = log_.end();
  file_.reset();
  if (auto begun = beginFile(std::move(file), {history_, at, db}); !begun) return begun;
  cursor_ = log_.cursor(at);
  retained_ = log_.cursor(at);
  retainedDb_ = SelectScanner(db);
  lost_.store(false);
  distrusted_ = false;
  written_.store(at, std::memory_order_release);
  synced_.store(at, std::memory_order_release);
  open_.store(true, std::memory_order_release);
  publish();
  return {};
}

bool AofWriter::flush() {
  MutexLock guard(mutex_);
  if (!isOpen()) return true;
  if (distrusted_ && !recover()) return false;
  do {
    if (!writeAll()) return false;
  } while (makeTurns() && log_.published() > written());
  if (syncNow() != Sync::kDone || !file_->writeMark(synced())) return false;
  const bool durable = file_->file()->sync().has_value();
  publish();
  return durable && log_.published() == synced();
}

void AofWriter::close() {
  flush();
  MutexLock guard(mutex_);
  open_.store(false, std::memory_order_release);
  file_.reset();
  cursor_ = {};
  retained_ = {};
  error_.store(0);
  engine_.state().aofError.store(0);
  {
    MutexLock turns(turnsMutex_);
    turns_.clear();
    nextTurn_.store(kNever);
  }
  publish();
}

// --- Writing ---------------------------------------------------------------------------------------------------

void AofWriter::publish() {
  if (planted(PlantedBug::kReplyBeforeWrite)) return engine_.commit().advance(CommitPoint::kEverything);
  if (planted(PlantedBug::kReplyBeforeFsync)) return engine_.commit().advance(written());
  engine_.commit().advance(!isOpen() ? CommitPoint::kEverything : always() ? synced() : written());
}

AofWriter::Offset AofWriter::feedLimit() const {
  if (!isOpen() || planted(PlantedBug::kFeedBeforeWrite)) return kNever;
  return always() ? synced() : written();
}

void AofWriter::schedule() {
  if (scheduled_.exchange(true)) return;
  executor_.submit([this] { round(); });
}

void AofWriter::parkWriters() {
  const Offset behind = isOpen() && !failed() ? log_.published() - written() : 0;  // a failure stops them by itself
  if (behind > kParkBehind) {
    if (!parking_.exchange(true)) engine_.state().snapshotBacklog.fetch_add(1);
  } else if (behind < kParkBehind / 2 && parking_.load() && parking_.exchange(false)) {
    if (engine_.state().snapshotBacklog.fetch_sub(1) == 1) engine_.resumePaused();
  }
}

void AofWriter::pump() {
  if (!isOpen() || log_.published() <= written() || failed()) return;
  const bool sleeps = options_.flushSleepUs.load(std::memory_order_relaxed) != 0;  // that is nothing for a worker
  if (always() || syncing() || scheduled_.load() || sleeps) {
    parkWriters();
    return schedule();
  }
  writeInline();
}

void AofWriter::writeInline() {
  do {
    if (!mutex_.tryLock()) return;  // whoever has it looks again before he leaves it
    const bool usable = isOpen() && !distrusted_ && !failed();
    const bool wrote = usable && writeAll();
    if (wrote) publish();
    mutex_.unlock();
    if (!wrote) return;
    if (written() >= nextTurn_.load()) return schedule();
  } while (log_.published() > written());
}

// On the executor: everything that an inline write cannot do.
void AofWriter::round() {
  scheduled_.store(false);
  do {
    MutexLock guard(mutex_);
    if (!isOpen() || (distrusted_ && !recover()) || !writeAll() || !makeTurns()) break;
    if (always() && synced() < written() && syncNow() == Sync::kBusy) break;
  } while (log_.published() > written() || (always() && !failed() && synced() < written()));
  parkWriters();
  log_.pump();  // replicas may have this now, and have it before those who wait are answered
  {
    MutexLock guard(mutex_);
    publish();
  }
  lookAgain();
}

void AofWriter::lookAgain() {
  if (isOpen() && !failed() && std::min(log_.published(), nextTurn_.load()) > written()) schedule();
}

bool AofWriter::writeAll() {
  for (;;) {
    auto wrote = writeBatch();
    if (!wrote) {
      writeFailed(wrote.error());
      return false;
    }
    if (!*wrote) break;
  }
  writeWorked();
  return true;
}

Result<bool> AofWriter::writeBatch() {
  const Offset published = log_.published();  // before the turn: it is noted before anything behind it is appended
  bool whole = true;
  auto piece = read(cursor_, std::min(published, nextTurn_.load()), whole);
  if (!piece) return std::unexpected(piece.error());
  if (piece->empty()) return false;
  const Offset end = cursor_.position() + static_cast<Offset>(piece->size());
  const bool stamped = options_.timestamps.load(std::memory_order_relaxed);
  const int64_t seconds = stamped ? engine_.system().clock.wall() / 1'000'000 : 0;
  const int64_t sleep = options_.flushSleepUs.load(std::memory_order_relaxed);
  if (sleep != 0) [[unlikely]]
    engine_.process().sleep(sleep);
  const int64_t began = engine_.system().clock.nanos();
  Status wrote = whole ? file_->write({&*piece, 1}, end, synced(), seconds) : file_->writePart(*piece);
  engine_.latency().note("aof-write", (engine_.system().clock.nanos() - began) / 1000);
  if (!wrote) return std::unexpected(wrote.error());
  cursor_.advance(piece->size());
  written_.store(end, std::memory_order_release);
  size_.store(file_->size(), std::memory_order_relaxed);
  return true;
}

Result<std::string_view> AofWriter::read(Cursor& cursor, Offset limit, bool& whole) {
  switch (cursor.state(limit)) {
    case Cursor::State::kEmpty:
      return std::string_view();
    case Cursor::State::kReady:
      return cursor.peek(limit);
    case Cursor::State::kOnDisk: {
      whole = false;
      auto most = std::min<Offset>(static_cast<Offset>(kSpilledRead), limit - cursor.position());
      spilled_.resize(static_cast<size_t>(most));
      auto got = log_.readSpilled(cursor.position(), spilled_);
      if (!got) return std::unexpected(got.error());
      return std::string_view(spilled_).substr(0, *got);
    }
    case Cursor::State::kLost:
      break;
  }
  lost_.store(true);
  return fail("the log does not hold offset " + std::to_string(cursor.position()) + " any more", ENOSPC);
}

void AofWriter::writeFailed(const Error& error) {
  const UnixUs now = engine_.system().clock.wall();
  if (!failed() || now - lastErrorLog_ > kErrorLogInterval) {
    engine_.logger().warning("Error writing to the AOF file: " + error.message);
    lastErrorLog_ = now;
  }
  const int code = error.code != 0 ? error.code : EIO;
  error_.store(code);
  engine_.state().aofErrorHidesUnsafe.store(always());
  engine_.state().aofError.store(code);
  engine_.commit().wake();  // those who wait learn that their writes are not safe
}

void AofWriter::writeWorked() {
  if (!failed()) return;
  engine_.logger().warning("AOF write error looks solved, Redis can write again.");
  error_.store(0);
  engine_.state().aofError.store(0);
}

// --- Turns -----------------------------------------------------------------------------------------------------

void AofWriter::turn(std::function<void(Result<std::string>)> turned) {
  {
    MutexLock guard(turnsMutex_);
    turns_.push_back({log_.end(), log_.selectedDb(), log_.history().id, std::move(turned)});
    nextTurn_.store(turns_.front().at);
  }
  schedule();
}

Status AofWriter::renameFile(const std::string& name, const std::function<Status(AofIncrement&)>& rename) {
  Status renamed;
  {
    MutexLock guard(mutex_);
    if (!isOpen() || file_->name() != name) return fail("the AOF goes on in another file than " + name);
    renamed = rename(*file_);
  }
  lookAgain();
  return renamed;
}

void AofWriter::historyChanged() {
  if (isOpen()) turn(nullptr);
}

bool AofWriter::makeTurns() {
  for (;;) {
    Turn* next = nullptr;
    {
      MutexLock guard(turnsMutex_);
      if (!turns_.empty() && turns_.front().at <= written()) next = &turns_.front();
    }
    if (!next) return true;
    if (!makeTurn(*next)) return false;
    {
      MutexLock guard(turnsMutex_);
      turns_.pop_front();
      nextTurn_.store(turns_.empty() ? kNever : turns_.front().at);
    }
    if (!writeAll()) return false;
  }
}

bool AofWriter::makeTurn(Turn& turn) {
  if (syncNow() != Sync::kDone) return false;
  const AofHead head{turn.history, turn.at, turn.db};
  if (!turn.turned) {
    if (auto written = file_->writeHead(head); !written) {
      writeFailed(written.error());
      return false;
    }
  } else {
    auto next = beginListed(head);
    if (!next && !directory_.settle()) {
      writeFailed(next.error());
      return false;  // after a crash the manifest may name the new file: the old one must not go on
    }
    if (!next) {
      turn.turned(std::unexpected(next.error()));
      return true;  // the old file goes on
    }
    engine_.logger().notice("Creating AOF incr file " + *next + " on background rewrite");
    turn.turned(*next);
  }
  history_ = turn.history;
  retainedDb_ = SelectScanner(turn.db);
  return true;
}

// --- Syncing ---------------------------------------------------------------------------------------------------

AofWriter::SyncPoint AofWriter::syncPoint() { return {file_->file(), written(), file_->size(), generation_}; }

// The log's memory is not needed any more before `offset`.
void AofWriter::retainFrom(Offset offset) {
  while (retained_.position() < offset) {
    bool whole = true;
    auto piece = read(retained_, offset, whole);
    if (!piece || piece->empty()) return;
    retainedDb_.feed(*piece);
    retained_.advance(piece->size());
  }
}

bool AofWriter::afterSync(const SyncPoint& point, const Status& status) {
  if (!isOpen() || point.generation != generation_) return true;
  if (!status && !planted(PlantedBug::kTrustFailedFsync)) {
    engine_.logger().warning("Fail to fsync the AOF file: " + status.error().message +
                             ". What is not known to be on disk is written again into a new file.");
    distrusted_ = true;
    return false;
  }
  retainFrom(point.offset);
  syncedSize_ = point.size;
  synced_.store(point.offset, std::memory_order_release);
  return true;
}

AofWriter::Sync AofWriter::syncNow() {
  if (syncing_.exchange(true)) return Sync::kBusy;  // its end schedules a round
  SyncPoint point = syncPoint();
  const int64_t began = engine_.system().clock.nanos();
  const Status status = planted(PlantedBug::kSkipFsync) ? Status() : point.file->sync();
  if (always()) engine_.latency().note("aof-fsync-always", (engine_.system().clock.nanos() - began) / 1000);
  const bool done = afterSync(point, status);
  syncing_.store(false);
  if (!done) schedule();  // to recover
  return done ? Sync::kDone : Sync::kFailed;
}

// On the syncer's thread; the file is written on beside it.
void AofWriter::syncBeside() {
  SyncPoint point;
  {
    MutexLock guard(mutex_);
    if (isOpen() && !distrusted_) point = syncPoint();
  }
  if (point.file) {
    const bool promised = options_.fsync.load() != AppendFsync::kNo;
    Status status = promised ? point.file->sync() : Status();
    MutexLock guard(mutex_);
    if (!promised) {
      if (isOpen() && point.generation == generation_) retainFrom(point.offset);
    } else if (afterSync(point, status) && isOpen() && point.generation == generation_ && !failed()) {
      if (auto marked = file_->writeMark(synced()); !marked) writeFailed(marked.error());
      size_.store(file_->size(), std::memory_order_relaxed);
    }
  }
  syncing_.store(false);
  schedule();
}

// A sync failed: what lies between synced_ and written_ may or may not be on the disk, whatever a later sync says.
// Until the new file is durable the manifest does not name it: a process that is killed before still finds the old one.
bool AofWriter::recover() {
  auto failed = [this](const Error& error) REQUIRES(mutex_) {
    writeFailed(error);
    return false;
  };
  auto created = directory_.createIncrement();
  if (!created) return failed(created.error());
  AofIncrement& next = **created;
  Cursor at = log_.cursor(retained_.position());
  if (!at.valid()) {
    lost_.store(true);
    return failed({"the log does not hold any more what was not synced", EIO});
  }
  if (auto begun = next.writeHead({history_, at.position(), retainedDb_.db()}); !begun) return failed(begun.error());
  if (auto copied = copyRecords(at, std::min(log_.published(), nextTurn_.load()), next); !copied) {
    return failed(copied.error());
  }
  if (auto durable = next.file()->sync(); !durable) return failed(durable.error());
  if (auto listed = directory_.addToManifest(next.name()); !listed) return failed(listed.error());
  if (auto cut = file_->file()->truncate(syncedSize_); !cut) {
    // Not needed: the next file's head says where it goes on.
    engine_.logger().warning("Could not cut the AOF file " + file_->name() + ": " + cut.error().message);
  }
  useFile(std::move(*created));
  cursor_ = std::move(at);
  written_.store(cursor_.position(), std::memory_order_release);
  distrusted_ = false;
  writeWorked();
  afterSync(syncPoint(), {});
  engine_.logger().notice("The AOF goes on in " + file_->name() + ", everything is on disk.");
  return true;
}

Status AofWriter::copyRecords(Cursor& from, Offset to, AofIncrement& file) {
  while (from.position() < to) {
    bool whole = true;
    auto piece = read(from, to, whole);
    if (!piece) return std::unexpected(piece.error());
    const Offset end = from.position() + static_cast<Offset>(piece->size());
    auto wrote = whole ? file.write({&*piece, 1}, end, synced(), 0) : file.writePart(*piece);
    if (!wrote) return wrote;
    from.advance(piece->size());
  }
  return {};
}

void AofWriter::tick() {
  if (!isOpen()) return;
  if (failed() || nextTurn_.load() <= written()) return schedule();
  lookAgain();  // nothing of the log may ever wait for the next write
  const AppendFsync policy = options_.fsync.load();
  if (policy == AppendFsync::kAlways) return synced() < written() ? schedule() : void();
  if (policy == AppendFsync::kEverySecond) {
    if (options_.noFsyncOnRewrite.load() && rewriting_.load(std::memory_order_relaxed)) return;
    if (synced() >= written()) return;
  }
  if (syncing_.exchange(true)) {
    delayedSyncs_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  syncer_.submit([this] { syncBeside(); });
}

void AofWriter::policyChanged() {
  if (isOpen()) schedule();
}

}  // namespace vigil::drivers
