// Keeps the incremental AOF file up with the log, and moves the commit point: the first sink of the log.
//
// A worker writes inline, before its replies leave, when the file is free and no fsync is in the way; else the AOF's
// own thread does (the executor), and replies wait for the commit point. Nobody waits for the file on a worker.
//
//   log:   … | synced | written | published | …
//             ^ retained in memory from here on (everysec, always): if an fsync fails, the file's tail cannot be
//               trusted any more, and the range from here is written again into a new file
//
//   appendfsync no, everysec: the commit point is what is written; a process that is killed loses nothing acknowledged
//   appendfsync always:       what is synced; one fdatasync at a time, which releases all that wait
//
// When what is not written yet exceeds a bound, writers are parked until half of it is.
//
// A write that fails is cut off, tried again every second, and until then stops writes with MISCONF.
//
// At a turn (an offset noted with the world held) the file changes: a rewrite goes on in a new file from there, or a
// new history begins. Everything before a turn is synced first.
//
// Thread safe, where a member does not say otherwise. Locks: world, shards, file, log.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/ports/executor.h"
#include "drivers/persistence/aof_options.h"
#include "oplog/log.h"
#include "persistence/aof_directory.h"
#include "persistence/aof_increment.h"
#include "persistence/select_scanner.h"

namespace vigil::engine {
class Engine;
}

namespace vigil::drivers {

class AofWriter final : public oplog::Sink {
 public:
  using Offset = oplog::Offset;

  // `executor` runs what blocks, `syncer` the fdatasync of everysec beside it.
  AofWriter(engine::Engine& engine, persistence::AofDirectory& directory, const AofOptions& options,
            SerialExecutor& executor, SerialExecutor& syncer);

  // Goes on in `file` with the log at its end, where the stream has selected `db` (-1: it will select by itself).
  // Before the loops run, or with the world held.
  Status open(std::unique_ptr<persistence::AofIncrement> file, int db);
  bool isOpen() const { return open_.load(std::memory_order_acquire); }
  // Executor, or when the loops have ended: writes and syncs what there is, and closes. Replies wait no more.
  void close();
  // The same without closing: true if all of the log is durable. Executor, or when the loops have ended.
  bool flush();

  // World held: a file of its own begins at the log's end; `turned` is called on the executor with its name, or with
  // an error.
  void turn(std::function<void(Result<std::string>)> turned);
  // Executor: hands out the file, if it is the one of that name, to be renamed; nothing is written meanwhile.
  Status renameFile(const std::string& name, const std::function<Status(persistence::AofIncrement&)>& rename);
  // World held: the log got another history id.
  void historyChanged();

  void pump() override;
  // Once a second, on the control thread: fsync of everysec, another try after an error.
  void tick();
  // appendfsync changed.
  void policyChanged();
  void setRewriting(bool rewriting) { rewriting_.store(rewriting, std::memory_order_relaxed); }

  Offset written() const { return written_.load(std::memory_order_acquire); }
  Offset synced() const { return synced_.load(std::memory_order_acquire); }
  // How far replicas may be fed: never further than what this node would have after a crash.
  Offset feedLimit() const;

  // --- For INFO ---
  // The log does not hold any more what is to be written: only a new base helps.
  bool lost() const { return lost_.load(std::memory_order_relaxed); }
  bool failed() const { return error_.load(std::memory_order_relaxed) != 0; }
  uint64_t size() const { return size_.load(std::memory_order_relaxed); }  // of the file being written
  bool syncing() const { return syncing_.load(std::memory_order_relaxed); }
  int64_t delayedSyncs() const { return delayedSyncs_.load(std::memory_order_relaxed); }
  // Bytes of the incremental files before it that count with it.
  uint64_t olderSize() const { return olderSize_.load(std::memory_order_relaxed); }
  void setOlderSize(uint64_t bytes) { olderSize_.store(bytes, std::memory_order_relaxed); }

 private:
  struct Turn {
    Offset at;
    int db;
    std::string history;
    std::function<void(Result<std::string>)> turned;  // empty: the same file goes on
  };
  struct SyncPoint {
    std::shared_ptr<File> file;
    Offset offset = 0;  // what the sync will make durable
    uint64_t size = 0;
    uint64_t generation = 0;
  };

  enum class Sync : uint8_t { kDone, kFailed, kBusy };

  void parkWriters();

  bool always() const { return options_.fsync.load(std::memory_order_relaxed) == AppendFsync::kAlways; }
  void schedule();
  void round();
  void writeInline();
  // After the file was held: a worker that found it taken has left its bytes to whoever had it.
  void lookAgain();
  // Writes what there is up to the next turn; false after an error.
  bool writeAll() REQUIRES(mutex_);
  Result<bool> writeBatch() REQUIRES(mutex_);
  void writeFailed(const Error& error) REQUIRES(mutex_);
  void writeWorked() REQUIRES(mutex_);
  // Carries out the turns that were reached; false if one of them has to wait.
  bool makeTurns() REQUIRES(mutex_);
  bool makeTurn(Turn& turn) REQUIRES(mutex_);
  Status beginFile(std::unique_ptr<persistence::AofIncrement> file, const persistence::AofHead& head) REQUIRES(mutex_);
  Result<std::string> beginListed(const persistence::AofHead& head) REQUIRES(mutex_);
  void useFile(std::unique_ptr<persistence::AofIncrement> file) REQUIRES(mutex_);
  Status copyRecords(oplog::Cursor& from, Offset to, persistence::AofIncrement& file) REQUIRES(mutex_);
  SyncPoint syncPoint() REQUIRES(mutex_);
  bool afterSync(const SyncPoint& point, const Status& status) REQUIRES(mutex_);
  // Bytes of the log at the cursor, from memory or from the spill; `whole`: they end where a unit ends.
  Result<std::string_view> read(oplog::Cursor& cursor, Offset limit, bool& whole) REQUIRES(mutex_);
  void retainFrom(Offset offset) REQUIRES(mutex_);
  Sync syncNow() REQUIRES(mutex_);
  void syncBeside();
  bool recover() REQUIRES(mutex_);
  void publish() REQUIRES(mutex_);

  engine::Engine& engine_;
  oplog::Log& log_;
  persistence::AofDirectory& directory_;  // on the executor
  const AofOptions& options_;
  SerialExecutor& executor_;
  SerialExecutor& syncer_;

  std::atomic<bool> open_{false};
  std::atomic<Offset> written_{0};
  std::atomic<Offset> synced_{0};
  std::atomic<Offset> nextTurn_;
  std::atomic<bool> scheduled_{false};
  std::atomic<bool> syncing_{false};
  std::atomic<bool> rewriting_{false};
  std::atomic<int> error_{0};  // errno of the last write, 0: it worked
  std::atomic<bool> lost_{false};
  std::atomic<bool> parking_{false};  // it is too far behind: writers are held back
  std::atomic<uint64_t> size_{0};
  std::atomic<uint64_t> olderSize_{0};
  std::atomic<int64_t> delayedSyncs_{0};

  Mutex mutex_;  // of the file; workers only try it
  std::unique_ptr<persistence::AofIncrement> file_ GUARDED_BY(mutex_);
  oplog::Cursor cursor_ GUARDED_BY(mutex_);    // at written_
  oplog::Cursor retained_ GUARDED_BY(mutex_);  // at synced_; with appendfsync no: where it was a second ago
  persistence::SelectScanner retainedDb_ GUARDED_BY(mutex_);  // what the stream has selected there
  std::string history_ GUARDED_BY(mutex_);
  uint64_t syncedSize_ GUARDED_BY(mutex_) = 0;
  uint64_t generation_ GUARDED_BY(mutex_) = 0;  // of the file
  bool distrusted_ GUARDED_BY(mutex_) = false;  // a sync failed: go on in another file
  int64_t lastErrorLog_ GUARDED_BY(mutex_) = 0;
  std::string spilled_ GUARDED_BY(mutex_);  // a piece of the log from disk

  Mutex turnsMutex_;                                // a leaf
  std::deque<Turn> turns_ GUARDED_BY(turnsMutex_);  // those in front are taken off on the executor only
};

}  // namespace vigil::drivers
