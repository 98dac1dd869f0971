// Saves the data set to the RDB file and loads it at start: SAVE, BGSAVE, LASTSAVE, save points, the save before a
// shutdown, and what INFO persistence says about all of them.
//
// One save of the file runs at a time (snapshots for others run beside it). SAVE is a BGSAVE whose reply waits for its
// end: other clients are served meanwhile.
//
//   idle --start--> running --(all written)--> idle, last save remembered
//                     |  failed, or cancelled by FLUSHALL --> idle
//
// FLUSHALL with save points is answered when the file holds a state of after it: a crash does not bring back what a
// client was told is gone.
//
// Thread safe where a member does not say otherwise. Its lock is a leaf lock. Work on files happens on an executor of
// its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/ports/event_loop.h"
#include "base/ports/executor.h"
#include "base/result.h"
#include "command/spec.h"
#include "drivers/persistence/rdb_options.h"
#include "drivers/persistence/snapshot_runner.h"
#include "engine/engine.h"
#include "persistence/rdb_load.h"
#include "persistence/rdb_save.h"

namespace vigil::drivers {

// INFO persistence's rdb_* fields and those of a load.
struct RdbStatus {
  int64_t changesSinceLastSave = 0;
  bool saveInProgress = false;   // rdb_bgsave_in_progress
  int64_t lastSave = 0;          // Unix seconds
  bool lastSaveOk = true;        // rdb_last_bgsave_status
  int64_t lastSaveSeconds = -1;  // rdb_last_bgsave_time_sec
  int64_t currentSaveSeconds = -1;
  int64_t saves = 0;
  uint64_t keysProcessed = 0;  // current_save_keys_processed
  uint64_t keysTotal = 0;
  uint64_t lastLoadKeysLoaded = 0;
  uint64_t lastLoadKeysExpired = 0;
  bool loading = false;
  int64_t loadingStart = 0;  // Unix seconds
  uint64_t loadingTotalBytes = 0;
  uint64_t loadingLoadedBytes = 0;
  int64_t loadingUsedMemory = 0;  // of the server that wrote the file
};

// SAVE, BGSAVE, LASTSAVE. Their owner is an RdbDriver.
std::span<const command::CommandSpec> rdbCommands();

class RdbDriver {
 public:
  using Done = std::move_only_function<void(Status)>;

  RdbDriver(engine::Engine& engine, RdbOptions& options);
  ~RdbDriver();

  // --- Set-up ---
  void registerCommands();  // before Engine::start(); and what INFO shows, and the step of a shutdown
  void start();             // after it, before the loops run: save points begin to count
  // Called while load() holds the world, before clients may see the data: the log stands where the file's history ends.
  void setRecoveredHook(std::function<void()> recovered) { recovered_ = std::move(recovered); }
  // Loads the RDB file if there is one, while the loops run, and clears NodeState::loading, which the caller has set
  // before they did. `done` is called on any thread; after an error (its cause is logged) the process should end with
  // status 1. The file is left as it is. Not called if stop() gives the load up.
  void load(Done done);
  // The loops have stopped: gives up what runs.
  void stop();
  // An error, with ECANCELED, after stop(): for what takes long on another thread. Any thread.
  Status goesOn() const;

  // --- Saving; `done` is called on the executor ---
  // Begins a save, or fails at once with "Background save already in progress". saveHere(): the world is held, and the
  // file will hold the state of this very moment.
  enum class Kind : uint8_t { kBackground, kWaitedFor };
  Status save(Kind kind, Done done) { return begin(kind, &RunningSnapshot::start, std::move(done)); }
  Status saveHere(Kind kind, Done done) { return begin(kind, &RunningSnapshot::startHere, std::move(done)); }
  // A save as soon as none runs.
  void schedule();
  bool hasSavePoints() const { return !options_.savePoints.load().empty(); }

  RdbStatus status() const;
  int64_t lastSave() const;  // Unix seconds

  // --- The file of a full resync, which may become the RDB file ---
  // Call at its moment, with the world held: its place among all files of this data set.
  uint64_t nextMoment() { return moments_.fetch_add(1) + 1; }
  // Gives `temporary` the RDB file's name, unless what has that name by now is of a later moment, or FLUSHALL came
  // after: then it is removed. Any thread.
  Status takeName(const std::string& temporary, uint64_t moment);

  // --- For other snapshots (the AOF's base, full resyncs) ---
  persistence::RdbSaveOptions saveOptions() const;
  persistence::RdbFlow flow() const;
  // The header of a snapshot of this moment.
  persistence::RdbHeader header(const SnapshotMoment& moment, bool aofBase) const;
  persistence::RdbLoadOptions loadOptions(uint64_t bytes) const;
  // The log lines that Redis writes about a file's origin, and about what was loaded.
  void logOrigin(const persistence::RdbAux& aux) const;
  void logLoaded(const persistence::RdbLoader& loader) const;

 private:
  struct Running {
    std::shared_ptr<RunningSnapshot> snapshot;
    std::shared_ptr<persistence::RdbSave> save;
    Kind kind = Kind::kBackground;
    bool cancelled = false;
    MonoUs started = 0;
    uint64_t moment = 0;
    int64_t dirty = 0;  // as of its moment
    size_t keys = 0;
    std::vector<Task> flushes;  // of FLUSHALLs before its moment: told at its end
    Done done;
  };
  struct Load;

  Status begin(Kind kind, decltype(&RunningSnapshot::start) startSnapshot, Done done);
  void begun(const SnapshotMoment& moment);
  void ended(Status status);
  // Stops all clients' commands, cancels a background save and saves. After an error clients go on, unless `force`: then the
  // server ends all the same.
  void saveForShutdown(bool force, Done done);
  void shutDown(const engine::Shutdown::Request& request, Done done);
  void writeInfo(engine::InfoWriter& out) const;
  void writeLoadingInfo(engine::InfoWriter& out) const;
  void cancelBackground();
  bool allFlushed(command::Context& context);
  void aboutToRename();  // the running save, to the RDB file
  void cron();
  bool saveIsDue(std::string& why) const REQUIRES(mutex_);
  void updateSaveFailed();
  void logEnd(const Running& ended, const Status& status) const;
  void loadFile(std::shared_ptr<Load> load);
  void takeOver(Load& load);
  // DEBUG RELOAD (rdb_reload.cc).
  void addReload();
  struct Reload {
    bool save = true;
    bool flush = true;
    bool merge = false;
  };
  void reloadCommand(command::Context& ctx);
  void reload(Reload how, Done done);
  void loadAgain(Reload how, const std::shared_ptr<Done>& done);
  Status install(Reload how, keyspace::Keyspace& loaded);
  void endReload(Reload how, std::shared_ptr<keyspace::Keyspace> loaded, std::shared_ptr<Done> done, Status status);
  void resumeHistory(const Load& load);
  int64_t unixSeconds() const;

  engine::Engine& engine_;
  RdbOptions& options_;
  std::unique_ptr<SerialExecutor> executor_;
  TimerId timer_ = 0;
  std::function<void()> recovered_;
  std::atomic<uint64_t> moments_{0};
  Mutex nameMutex_;  // held while the RDB file changes for that of a full resync; no lock is taken under it
  uint64_t named_ GUARDED_BY(nameMutex_) = 0;  // the moment of what has the RDB file's name

  mutable Mutex mutex_;
  std::unique_ptr<Running> running_ GUARDED_BY(mutex_);
  std::vector<Task> flushes_ GUARDED_BY(mutex_);  // of FLUSHALLs that wait for a save to begin
  bool scheduled_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;
  int64_t savedDirty_ GUARDED_BY(mutex_) = 0;  // changes that the last save holds
  MonoUs lastTry_ GUARDED_BY(mutex_) = 0;
  RdbStatus status_ GUARDED_BY(mutex_);  // without what is computed when asked
};

}  // namespace vigil::drivers
