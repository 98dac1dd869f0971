// Carries out what the master's side of replication decides: takes over the connections of replicas, makes snapshots
// for them, feeds them the log, counts their acknowledgements for WAIT and min-replicas-to-write.
//
// Thread safe where a member says so; its own lock is a leaf. Everything else happens on the control thread.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "drivers/persistence/rdb_driver.h"
#include "drivers/persistence/snapshot_runner.h"
#include "drivers/replication/replica_feed.h"
#include "drivers/replication/replication_options.h"
#include "engine/deferred_reply.h"
#include "engine/engine.h"
#include "engine/session.h"
#include "replication/master_side.h"

namespace vigil::drivers {

class SocketTarget;

class MasterDriver final : public ReplicaFeed::Owner {
 public:
  MasterDriver(engine::Engine& engine, ReplicationOptions& options, RdbDriver& rdb, const RdbOptions& rdbOptions);
  ~MasterDriver() override;

  // How far replicas may be sent the log: never further than the AOF has written. Set up before use.
  void setFeedLimit(std::function<oplog::Offset()> limit) { limit_ = std::move(limit); }

  // Up to where our own AOF is on the disk; -1: there is none. Set up before use.
  void setDurable(std::function<oplog::Offset()> durable) { durable_ = std::move(durable); }
  oplog::Offset durableHere() const { return durable_ ? durable_() : -1; }
  // Hears on the control thread that a replica acknowledged something. Set up before use.
  void setAckListener(std::function<void()> acked) { acked_ = std::move(acked); }

  void tick();  // control thread, ten times a second
  void stop();  // the loops have stopped

  // PSYNC on a worker, in the command. The session's connection is taken over as soon as the command has ended.
  // `id` "?": a full resync; `legacy`: SYNC, which wants no answer before the snapshot.
  void takeOver(engine::Session& session, std::string_view id, oplog::Offset wireOffset, bool legacy);
  // Any thread: the history that the replicas follow is not ours any more.
  void dropAll();

  // WAIT and WAITAOF: what a client waits for.
  struct WaitFor {
    oplog::Offset offset = 0;
    size_t replicas = 0;
    bool durable = false;  // on disk: the replicas', and with `local` ours
    bool local = false;
  };
  // Any thread.
  size_t countAcked(oplog::Offset offset) const;
  bool fulfilled(const WaitFor& wait) const;
  void writeCounts(command::Reply& reply, const WaitFor& wait) const;  // as they are now
  void await(std::shared_ptr<engine::DeferredReply> reply, const WaitFor& what, int64_t timeoutMs);
  void endAwaits(std::string error);  // the role changed

  // Any thread.
  std::vector<replication::Replica> replicas() const;
  // How far a replica is behind: in bytes of the log, and in milliseconds since the log passed the point up to which it
  // has acknowledged, or from which on it gets the log behind a snapshot (within a tick).
  struct Lag {
    int64_t bytes = 0;
    int64_t milliseconds = 0;
  };
  Lag lagOf(const replication::Replica& replica) const;
  size_t goodReplicas() const;
  // Snapshots for replicas that have begun; changes with the world held.
  int64_t snapshotsBegun() const { return snapshotsBegun_.load(std::memory_order_relaxed); }
  int64_t fullSyncs() const { return fullSyncs_.load(std::memory_order_relaxed); }
  int64_t partialSyncs() const { return partialSyncs_.load(std::memory_order_relaxed); }
  int64_t refusedPartialSyncs() const { return refusedPartialSyncs_.load(std::memory_order_relaxed); }
  bool backlogActive() const { return backlog_.load(std::memory_order_relaxed); }
  // World held: the log is kept for replicas from here on. A log that nobody needed begins a history of its own.
  void needBacklog();
  void updateNotEnough();

 private:
  struct Newcomer;
  struct Wait {
    std::shared_ptr<engine::DeferredReply> reply;
    WaitFor what;
    TimerId timer = 0;
  };

  void adopt(std::shared_ptr<Newcomer> newcomer);
  std::shared_ptr<engine::ClientInfo> listed(const Newcomer& newcomer);
  void carryOut(const replication::Effects& effects);
  void startSnapshot(std::vector<uint64_t> ids, bool diskless);
  void beginSnapshot(const std::vector<uint64_t>& ids, bool diskless);
  std::string syncFile() const;
  void nameSyncFile(uint64_t moment);
  std::unique_ptr<persistence::RdbTarget> makeTarget(bool diskless, std::vector<std::shared_ptr<ReplicaFeed>> feeds);
  void snapshotEnded(bool diskless, Status status);
  void sendFile();
  void drop(uint64_t id);
  void dropOfUser(uint64_t user);
  void dropTooSlow();
  void ping();
  void dropBacklog();
  void noteProgress();
  void checkWaits();
  void endWait(uint64_t number, engine::Unblock how);
  void answerWait(Wait& wait);
  std::shared_ptr<ReplicaFeed> feed(uint64_t id) const;

  // --- ReplicaFeed::Owner ---
  void onAck(uint64_t id, oplog::Offset offset, oplog::Offset durable) override;
  void onBulkSent(uint64_t id) override;
  void onGone(uint64_t id, const std::string& why) override;
  oplog::Offset feedLimit() const override;

  MonoUs now() const { return engine_.system().clock.mono(); }

  engine::Engine& engine_;
  ReplicationOptions& options_;
  RdbDriver& rdb_;
  const RdbOptions& rdbOptions_;
  std::unique_ptr<SerialExecutor> executor_;
  std::function<oplog::Offset()> limit_;
  std::function<void()> acked_;
  std::function<oplog::Offset()> durable_;
  std::atomic<bool> backlog_{false};
  std::atomic<int64_t> fullSyncs_{0};
  std::atomic<int64_t> snapshotsBegun_{0};
  std::atomic<int64_t> partialSyncs_{0};
  std::atomic<int64_t> refusedPartialSyncs_{0};

  std::atomic<uint64_t> nextWait_{0};

  mutable Mutex mutex_;
  replication::MasterSide core_ GUARDED_BY(mutex_);
  std::map<uint64_t, std::shared_ptr<ReplicaFeed>> feeds_ GUARDED_BY(mutex_);
  struct Mark {
    MonoUs at;
    oplog::Offset end;  // of the log
  };
  static constexpr size_t kProgressMarks = 6000;   // ten minutes of ticks
  std::deque<Mark> progress_ GUARDED_BY(mutex_);  // of the last ticks with replicas

  // The control thread's.
  std::map<uint64_t, Wait> waits_;
  MonoUs lastNewline_ = 0;
  // From its begin until its end; set with the world held.
  std::shared_ptr<RunningSnapshot> snapshot_;
};

}  // namespace vigil::drivers
