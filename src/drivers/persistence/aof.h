// The append-only log of a node: loading at start, turning on and off, rewriting, and what INFO says about it. The
// writing itself is AofWriter's.
//
//   off --enable--> starting --(base complete)--> on --rewrite--> on, rewriting --(base complete)--> on
//    ^                  \                          /                \ failed: the old files stay
//    +------------------ disable -----------------+
//
// A rewrite is a snapshot at offset X that becomes the new base, and a new increment from X on, which the manifest
// names before it is written. Where a log begins (turned on at run time, after a full resync) its increment has a
// temporary name until the base is complete: until then the manifest names the old files.
//
// Thread safe where a member does not say otherwise. Its lock is a leaf lock. What blocks runs on executors of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/mutex.h"
#include "base/ports/event_loop.h"
#include "base/ports/executor.h"
#include "base/result.h"
#include "command/spec.h"
#include "drivers/persistence/aof_loader.h"
#include "drivers/persistence/aof_options.h"
#include "drivers/persistence/aof_writer.h"
#include "drivers/persistence/snapshot_runner.h"
#include "persistence/aof_directory.h"
#include "persistence/rdb_save.h"

namespace vigil::engine {
class InfoWriter;
}

namespace vigil::drivers {

class RdbDriver;

// INFO persistence's aof_* fields.
struct AofStatus {
  bool enabled = false;
  bool rewriteInProgress = false;
  bool rewriteScheduled = false;
  int64_t lastRewriteSeconds = -1;
  int64_t currentRewriteSeconds = -1;
  bool lastRewriteOk = true;  // aof_last_bgrewrite_status
  int64_t rewrites = 0;
  int64_t consecutiveFailures = 0;
  bool lastWriteOk = true;
  uint64_t currentSize = 0;
  uint64_t baseSize = 0;
  uint64_t bufferLength = 0;  // of the log, not yet written
  bool pendingSync = false;   // aof_pending_bio_fsync
  int64_t delayedSyncs = 0;
};

// BGREWRITEAOF. Its owner is an Aof.
std::span<const command::CommandSpec> aofCommands();

class Aof {
 public:
  using Done = std::move_only_function<void(Status)>;

  Aof(engine::Engine& engine, AofOptions& options, RdbDriver& rdb);
  ~Aof();

  // --- Set-up ---
  void registerCommands();  // before Engine::start()
  void start();             // after it, before the loops run
  // Called while load() holds the world, before clients may see the data: the log stands where the files' history ends.
  void setRecoveredHook(std::function<void()> recovered) { recovered_ = std::move(recovered); }
  // With appendonly yes: loads the AOF, or begins one, and writes from then on. Clients hear LOADING until `done`,
  // which is called on any thread; its error is for the log, and the process should end with status 1. The loops run.
  void load(Done done);
  // The loops have stopped: makes everything durable and closes.
  void stop();

  bool enabled() const { return options_.appendOnly.load(std::memory_order_relaxed); }

  // --- For replication ---
  // How far replicas may be sent the log; anything where there is no AOF.
  oplog::Offset feedLimit() const { return writer_.feedLimit(); }
  oplog::Offset written() const { return writer_.written(); }
  oplog::Offset synced() const { return writer_.synced(); }
  // World held: the log got another history id (promotion), at the same offset.
  void historyChanged() { writer_.historyChanged(); }
  // World held, after a full resync replaced keyspace and log: what was received becomes the base.
  void rebaseHere();

  // --- Rewriting ---
  // As BGREWRITEAOF says; an error if one runs.
  Status rewrite();
  void scheduleRewrite();
  AofStatus status() const;

 private:
  // A rewrite under way. Guarded by mutex_.
  struct Rewrite {
    std::shared_ptr<RunningSnapshot> snapshot;
    std::shared_ptr<persistence::RdbSave> save;
    bool rdb = true;
    bool begins = false;  // a log that begins: with a temporary increment
    MonoUs started = 0;
    std::optional<Status> base;                    // how writing it ended
    std::optional<Result<std::string>> increment;  // the file that begins at the snapshot's moment, if there is one
  };
  using RewritePtr = std::shared_ptr<Rewrite>;

  // DEBUG LOADAOF, AOF-FLUSH-SLEEP (aof_debug.cc).
  void addDebug();
  void loadCommand(command::Context& ctx);
  void reload(Done done);                        // world held
  void reloadFiles(std::shared_ptr<Done> done);  // executor
  void endReload(std::shared_ptr<keyspace::Keyspace> before, std::shared_ptr<Done> done, Status status);

  // Loading and turning on or off.
  void loaded(const AofLoadOutcome& outcome);
  Status beginFresh();
  void openAfterLoad(std::unique_ptr<persistence::AofIncrement> file, const AofLoadOutcome& outcome);  // world held
  Status follow();                                                   // appendonly changed
  void enable();                                                     // executor
  void enableHere(std::unique_ptr<persistence::AofIncrement> file);  // world held
  void disable();                                                    // executor

  // Rewriting.
  Result<RewritePtr> newRewrite(bool begins);
  void snapshotBegun(const RewritePtr& rewrite, const SnapshotMoment& moment);  // world held
  void incrementReady(const RewritePtr& rewrite, Result<std::string> name);     // executor
  void tryFinish(const RewritePtr& rewrite);                                    // executor
  Status replaceFiles(const Rewrite& rewrite);                                  // executor
  void finished(const RewritePtr& rewrite, const Status& status);               // executor
  RewritePtr takeRewrite();
  void cron();
  bool growthIsDue() REQUIRES(mutex_);
  std::unique_ptr<persistence::RdbTarget> baseTarget(bool rdb);
  // The step of a shutdown: while the first base is written, a restart would find nothing of the data in the AOF, so
  // the exit waits for it. Control thread.
  void awaitFirstBase(const engine::Shutdown::Request& request, Done done);
  void exitWithoutBase();
  void firstBaseEnded(const Status& status);  // any thread
  uint64_t fileSize(const std::string& name);
  Status removeHistory();  // executor; what is not to be kept
  void writeInfo(engine::InfoWriter& out) const;

  engine::Engine& engine_;
  AofOptions& options_;
  RdbDriver& rdb_;
  persistence::AofDirectory directory_;     // the executor's, once the loops run
  std::unique_ptr<SerialExecutor> syncer_;  // fdatasync of everysec
  std::unique_ptr<SerialExecutor> baser_;   // writes base files
  std::unique_ptr<SerialExecutor> executor_;
  AofWriter writer_;
  TimerId timer_ = 0;
  int64_t ticks_ = 0;
  std::function<void()> recovered_;
  Done loadDone_;

  mutable Mutex mutex_;
  RewritePtr rewrite_ GUARDED_BY(mutex_);
  bool scheduled_ GUARDED_BY(mutex_) = false;
  bool unlisted_ GUARDED_BY(mutex_) =
      false;  // the increment is a temporary one: without a new base it is worth nothing
  bool enabling_ GUARDED_BY(mutex_) = false;  // it was turned on, and the rewrite has not begun yet
  bool stopped_ GUARDED_BY(mutex_) = false;
  Done exit_ GUARDED_BY(mutex_);                   // a shutdown that waits for the first base
  MonoUs retryAt_ GUARDED_BY(mutex_) = 0;          // after a failed rewrite, not before
  uint64_t baseBytes_ GUARDED_BY(mutex_) = 0;      // of the base file
  uint64_t sizeAtRewrite_ GUARDED_BY(mutex_) = 0;  // of all files, when the log was last written anew
  AofStatus status_ GUARDED_BY(mutex_);            // without what is computed when asked
};

}  // namespace vigil::drivers
