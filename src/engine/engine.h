// Runs commands. The centre of a node: keyspace, log, command table, workers, and what every command must know.
//
// Built in apps/, where the drivers are wired to it. Thread safe where a member says so; the rest is set up before the
// loops run.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/log_line.h"
#include "base/ports/clock.h"
#include "base/ports/executor.h"
#include "base/ports/stream.h"
#include "base/ports/system.h"
#include "cluster/routing.h"
#include "command/command_table.h"
#include "command/context.h"
#include "commands/string_access.h"
#include "engine/acl/directory.h"
#include "engine/client_eviction.h"
#include "engine/client_info.h"
#include "engine/debug/debug_registry.h"
#include "engine/info_registry.h"
#include "engine/memory_limit.h"
#include "engine/latency_monitor.h"
#include "engine/monitors.h"
#include "engine/node_state.h"
#include "engine/options.h"
#include "engine/pause.h"
#include "engine/process_facts.h"
#include "engine/pubsub.h"
#include "engine/shard_state.h"
#include "engine/shutdown.h"
#include "engine/slot_usage.h"
#include "engine/slow_log.h"
#include "engine/statistics.h"
#include "engine/stats.h"
#include "engine/tracking.h"
#include "engine/world_lock.h"
#include "keyspace/keyspace.h"
#include "oplog/commit_point.h"
#include "oplog/log.h"

namespace vigil::engine {

class Worker;

// A duty that workers carry out between commands, in small steps (walking snapshots).
class BackgroundDuty {
 public:
  virtual ~BackgroundDuty() = default;
  // One small step (tens of microseconds) on this worker's share of the shards. True if there is more to do now.
  virtual bool step(Worker& worker) = 0;
};

class Engine {
 public:
  // Of how many keys something was left to be freed in the background, and of how many it has been.
  struct ReaperCounts {
    std::atomic<int64_t> pending{0};
    std::atomic<int64_t> done{0};
    std::atomic<int64_t> bytes{0};  // about what the pending ones will free
  };

  Engine(const System& system, Logger& logger, Options& options, const keyspace::Keyspace::Options& keyspace,
         oplog::History history);
  ~Engine();

  // --- Set-up, in this order ---
  void addCommands(std::span<const command::CommandSpec> rows, void* owner) { commands_.add(rows, owner); }
  void addDataCommands();  // those of commands/ and of the engine itself
  // In place of those: what a Sentinel's clients may say (kSentinel), and its parts of INFO.
  void addSentinelCommands();
  // The rows alone of these two. Without an engine they only have names, for rename-command.
  static void addDataRows(command::CommandTable& table, Engine* engine);
  static void addSentinelRows(command::CommandTable& table, Engine* engine);
  // One worker per loop. Call after all owners registered their commands.
  void start(const std::vector<EventLoop*>& loops, EventLoop& control);
  // Ends all sessions. Each worker's loop must have stopped, or run no more.
  void stop();

  const System& system() const { return system_; }
  Logger& logger() { return logger_; }
  keyspace::Keyspace& keyspace() { return keyspace_; }
  keyspace::Reaper& reaper() { return *reaper_; }
  int64_t reaperPending() const { return reaperCounts_.pending.load(std::memory_order_relaxed); }
  int64_t reaperBytes() const { return reaperCounts_.bytes.load(std::memory_order_relaxed); }
  int64_t reaperDone() const { return reaperCounts_.done.load(std::memory_order_relaxed); }
  oplog::Log& log() { return log_; }
  oplog::CommitPoint& commit() { return commit_; }
  command::CommandTable& commands() { return commands_; }
  acl::Directory& acl() { return acl_; }
  const acl::Directory& acl() const { return acl_; }
  Options& options() { return options_; }
  const Options& options() const { return options_; }
  NodeState& state() { return state_; }
  ClientRegistry& clients() { return clients_; }
  WorldLock& world() { return *world_; }
  Pause& pause() { return pause_; }
  MemoryLimit& memoryLimit() { return memoryLimit_; }
  ClientEviction& clientEviction() { return clientEviction_; }
  ShardState& shardState(size_t shard) { return shardStates_[shard]; }
  EventLoop& control() { return *control_; }
  InfoRegistry& info() { return info_; }
  DebugRegistry& debug() { return debug_; }
  Shutdown& shutdown() { return shutdown_; }
  Statistics& statistics() { return statistics_; }
  SlowLog& slowLog() { return slowLog_; }
  LatencyMonitor& latency() { return latency_; }
  SlotUsage& slotUsage() { return slotUsage_; }
  ProcessFacts& process() { return process_; }
  PubSub& pubsub() { return pubsub_; }
  Tracking& tracking() { return tracking_; }
  Monitors& monitors() { return monitors_; }
  const std::string& runId() const { return runId_; }
  MonoUs startTime() const { return startTime_; }
  UnixUs startWallTime() const { return startWallTime_; }

  size_t workerCount() const { return workers_.size(); }
  Worker& worker(size_t number) { return *workers_[number]; }

  // Any thread: gives an accepted stream to a worker, or refuses it (maxclients, protected mode).
  void accept(std::unique_ptr<Stream> stream);

  // Runs `work` on some worker with the world held exclusively. Any thread.
  void withWorld(Task work);
  // --- Cluster mode ---
  // Whom this node serves and where it sends others; nullptr: there is no cluster. Inside the world.
  const cluster::Routing* routing() const { return routing_.get(); }
  uint64_t routingNumber() const { return routingNumber_; }  // of the routing; grows with each
  std::shared_ptr<const cluster::Routing> sharedRouting();   // any thread
  void setRouting(std::shared_ptr<const cluster::Routing> routing);  // world held, or before the loops run
  bool clusterMode() const { return keyspace_.hasSlots(); }
  // Carries PUBLISH to the other nodes; called on any worker, under the channel's lock. Set up at start.
  using Broadcast = std::function<void(PubSub::Space, std::string_view channel, std::string_view payload)>;
  void setBroadcast(Broadcast broadcast) { broadcast_ = std::move(broadcast); }
  const Broadcast& broadcast() const { return broadcast_; }

  // Any thread, after the fact. The node became a replica: no key of its clients' waits will come from them.
  void becameReplica();
  // Any thread, after the fact. The log goes on under another history: replies that still waited for the old one must
  // not be sent.
  void historyChanged();

  // Lets the sessions that CLIENT PAUSE suspended go on; any thread.
  void resumePaused();
  // Ends the pauses whose time has come; any thread.
  void endExpiredPauses();

  // With the world held: the data set is another than it was, whatever clients have cached of it is worth nothing.
  void dataReplaced();

  // While CLIENT PAUSE or a hand-over is in force, keys do not expire on their own account.
  bool expiryPaused() const { return pause_.active(); }

  // Called when FLUSHALL is about to empty all databases, with the world held; returns whether it sees to the reply.
  // Set up at start.
  using FlushAllHook = std::function<bool(command::Context&)>;
  void setFlushAllHook(FlushAllHook hook) { flushAllHook_ = std::move(hook); }
  bool allFlushed(command::Context& context) { return flushAllHook_ && flushAllHook_(context); }

  // Called, on any thread, with the id of an ACL user who is gone: its streams that are no sessions (replicas) must end.
  // Set up at start.
  void setUserGoneHook(std::function<void(uint64_t user)> hook) { userGoneHook_ = std::move(hook); }
  void userGone(uint64_t user) {
    if (userGoneHook_) userGoneHook_(user);
  }

  // Any thread; the duty must stay until removed. A step may still be running when removeDuty() returns.
  void addDuty(std::shared_ptr<BackgroundDuty> duty);
  void removeDuty(const BackgroundDuty* duty);
  void wakeWorkers();  // any thread: a duty has something to do again
  std::shared_ptr<const std::vector<std::shared_ptr<BackgroundDuty>>> duties() const;

  // Sums of all workers' counters; any thread.
  int64_t sum(Counter WorkerStats::*counter) const;
  int64_t dirty() const { return sum(&WorkerStats::dirty); }
  int64_t blockedClients() const { return blockedClients_.load(std::memory_order_relaxed); }
  // Of the blocked clients, those with a time limit.
  int64_t timedWaits() const { return timedWaits_.load(std::memory_order_relaxed); }
  std::atomic<int64_t>& timedWaitCounter() { return timedWaits_; }
  std::atomic<int64_t>& blockedCounter() { return blockedClients_; }
  // Any thread. Holds a place for a connection that is still in its handshake, until that is let go of; nothing, which is
  // counted: there are maxclients.
  std::shared_ptr<void> holdPlace();
  std::atomic<int64_t>& rejectedConnections() { return rejectedConnections_; }
  // Keys reserved for blocked calls (see Reservation). Exact for a shard whose lock the caller holds: if none is
  // counted, it has none.
  uint64_t reservations() const { return reservations_.load(std::memory_order_relaxed); }
  uint64_t addReservation() {  // returns its number
    reservations_.fetch_add(1, std::memory_order_relaxed);
    return nextReservation_.fetch_add(1, std::memory_order_relaxed);
  }
  void dropReservation() { reservations_.fetch_sub(1, std::memory_order_relaxed); }
  bool haveDuties() const { return haveDuties_.load(std::memory_order_acquire); }

 private:
  const System system_;
  Logger& logger_;
  Options& options_;
  commands::StringLimits stringLimits_{options_.maxBulk};
  NodeState state_;
  ReaperCounts reaperCounts_;
  std::unique_ptr<keyspace::Reaper> reaper_;
  keyspace::Keyspace keyspace_;
  oplog::Log log_;
  oplog::CommitPoint commit_;
  command::CommandTable commands_;
  acl::Directory acl_{options_.acl, logger_, commands_};
  ClientRegistry clients_;
  Pause pause_;
  MemoryLimit memoryLimit_{*this};
  ClientEviction clientEviction_{*this};
  std::vector<ShardState> shardStates_;
  std::unique_ptr<WorldLock> world_;
  std::vector<std::unique_ptr<Worker>> workers_;
  EventLoop* control_ = nullptr;
  InfoRegistry info_;
  DebugRegistry debug_;
  Shutdown shutdown_{logger_};
  Statistics statistics_{*this};
  SlowLog slowLog_;
  SlotUsage slotUsage_;
  LatencyMonitor latency_{system_.clock, options_.monitoring};
  ProcessFacts process_;
  PubSub pubsub_;
  Tracking tracking_{clients_, options_.audience};
  Monitors monitors_{system_.clock, options_.audience};
  const std::string runId_;
  const MonoUs startTime_;
  const UnixUs startWallTime_;
  FlushAllHook flushAllHook_;
  std::shared_ptr<const cluster::Routing> routing_;  // replaced with the world held, under routingMutex_
  uint64_t routingNumber_ = 0;
  Mutex routingMutex_;  // a leaf
  Broadcast broadcast_;
  std::function<void(uint64_t)> userGoneHook_;
  std::atomic<size_t> nextWorker_{0};
  std::atomic<int64_t> blockedClients_{0};
  std::atomic<int64_t> timedWaits_{0};
  std::atomic<int64_t> rejectedConnections_{0};
  std::atomic<uint64_t> reservations_{0};
  std::atomic<uint64_t> nextReservation_{1};
  std::atomic<bool> commitPosted_{false};
  std::atomic<bool> haveDuties_{false};
  mutable Mutex dutiesMutex_;
  std::shared_ptr<const std::vector<std::shared_ptr<BackgroundDuty>>> duties_ GUARDED_BY(dutiesMutex_);
};

}  // namespace vigil::engine
