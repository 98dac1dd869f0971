// One worker thread's part of the engine: its clients, and the road of a command from bytes to reply.
//
//   bytes -> parse a batch -> prefetch buckets -> prefetch entries -> for each: admit, lock, run, log, unlock
//         -> end of the loop's turn: pump the log's sinks, then write replies
//
// A command whose locks are not free is put back: it holds nothing, its connection waits in the lock's queue, the
// worker goes on with others.
//
// Everything here happens on the worker's loop, except what is marked as callable from any thread.
#pragma once

#include <array>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ports/event_loop.h"
#include "command/spec.h"
#include "engine/arrivals.h"
#include "engine/blocked_call.h"
#include "engine/connection.h"
#include "engine/evictor.h"
#include "engine/execution.h"
#include "engine/inbox.h"
#include "engine/running_command.h"
#include "engine/statistics.h"
#include "engine/stats.h"
#include "wire/resp_parser.h"

namespace vigil::command {
struct CommandEntry;
}

namespace vigil::engine {

class Engine;

class Worker {
 public:
  Worker(Engine& engine, size_t number, EventLoop& loop);
  ~Worker();

  size_t number() const { return number_; }
  EventLoop& loop() { return loop_; }
  Engine& engine() { return engine_; }
  WorkerStats& stats() { return stats_; }
  const CommandStatistics& commandStatistics() const { return commandStatistics_; }
  Execution& execution() { return execution_; }
  Evictor& evictor() { return evictor_; }

  // Takes a new client, of an id that the registry gave. Loop thread.
  Connection& adopt(std::unique_ptr<Stream> stream, uint64_t id);
  // Any thread: hands over an accepted stream.
  void adoptLater(std::unique_ptr<Stream> stream, uint64_t id);

  // Executes requests from `bytes`; returns how many bytes were consumed. Stops early when the session is suspended.
  size_t execute(Connection& connection, std::string_view bytes);

  // Runs one command of a session that has no connection of its own (the master's stream, AOF loading): no admission
  // checks. False: put back, call again later (waker given).
  enum class Outcome : uint8_t { kDone, kPutBack, kSuspended };
  Outcome executeTrusted(Session& session, const command::CommandEntry& entry, command::Args args, Task wake);
  // Ends the unit that executeTrusted() began: the locks are held from there to here, so that the caller can append
  // the master's bytes to the log in between.
  void finishTrusted();

  // The same inside a task of withWorld(): a unit, command by command.
  void beginTrusted();
  void runTrusted(Session& session, const command::CommandEntry& entry, command::Args args);
  void endTrusted();
  // A share of our master's commands (TrustedBatch), with the world held by the worker that gives them out: between the
  // first and the last, commands on one key of this share's shards each.
  void beginShare();
  void runOfShare(Session& session, const command::CommandEntry& entry, command::Args args, uint64_t keyHash);
  void endShare();

  // Runs `work` with the world held exclusively, as soon as it can be had; any thread.
  void withWorld(Task work);
  // Runs `work` as a unit of its own, no client's, in a database and with the shards of these keys, which are the
  // arguments 1, 2, … of its context; what it returns is called when the locks are released. Loop thread. kPutBack:
  // `wake` will be called when it is worth another try. kPaused: no write may happen at the moment.
  struct UnitOutcome {
    enum class Kind : uint8_t { kDone, kPutBack, kPaused };
    Kind kind = Kind::kPutBack;
    oplog::Offset depends = 0;  // kDone: what a reply about the unit depends on
  };
  using UnitWork = std::move_only_function<std::vector<Task>(command::Context&)>;
  UnitOutcome runUnit(int db, std::span<const std::string> keys, UnitWork work, Task wake);
  // Runs `work` with the lock of one shard; loop thread; at once if it is free.
  void withShard(size_t shard, std::move_only_function<void(Execution&)> work);
  // The same if that is possible at once; else false. For duties, between commands.
  bool withShardNow(size_t shard, const std::function<void(Execution&)>& work);
  // Runs `work` inside the world, no shard held, if that is possible at once; else false. For duties, too.
  bool withinWorldNow(const std::function<void()>& work);

  void queueFlush(Connection& connection);
  void closeLater(Connection& connection);
  Connection* findConnection(uint64_t id);
  template <typename Visit>
  void eachConnection(Visit visit) {
    for (auto& [id, connection] : connections_) visit(*connection);
  }
  Arrivals& arrivals() { return arrivals_; }
  // Between the two the tables stay, so that any key may be prefetched. False: the world is not to be had now.
  bool beginPrefetching();
  void endPrefetching();

  // --- What others have for this worker's clients (worker_inbox.cc) ---
  // Any thread: gives a message to one of them. `from`: the worker whose thread this is, if it is one's.
  void push(const std::shared_ptr<ClientInfo>& to, const Message& message, oplog::Offset depends, const Worker* from);
  // Gives what has come to its receivers, so that it stands before what they are replied from now on. Loop thread.
  void takeInbox();

  // --- Blocked commands ---
  // Any thread: the call was served (claimed), this is its reply.
  // `nanos`: what serving it took.
  void finishBlocked(std::shared_ptr<BlockedCall> call, command::OutputBuffer reply, oplog::Offset depends,
                     int64_t nanos);
  // Any thread: the call's wait has ended in this way (claimed), without its being served.
  void endBlocked(std::shared_ptr<BlockedCall> call, Unblock how);
  // Ends a session's wait without serving it: time-out, CLIENT UNBLOCK, disconnect. False if it was served meanwhile.
  using Unblock = engine::Unblock;
  bool unblock(Session& session, Unblock how);
  // The same for a session that waits for something else: tells whoever would answer it. False if it was answered.
  bool endWait(Session& session, Unblock how);
  // It waits no longer: what was to be called in case, or nothing.
  EndWait takeEndWait(Session& session);
  // Ends all waits for keys with an error: the node became a replica. Loop thread.
  void unblockAll();
  // Cluster mode: ends the waits for keys that this node does not serve any more. Loop thread.
  void endMisplacedWaits();
  void endMisplacedSubscriptions(Connection& connection);
  // Closes the connections whose replies wait for the commit point: the history that they belong to has ended, so
  // whether their writes happened cannot be told. Loop thread.
  void closeUncommitted();

  // Drops the session's watches (UNWATCH, DISCARD, EXEC, disconnect).
  void unwatchAll(Session& session);

  // Lets suspended sessions (paused, or waiting for a reply from elsewhere) go on; loop thread.
  void resume(Session& session);
  // All sessions that CLIENT PAUSE suspended; loop thread.
  void resumePaused();

  UnixMs now() const { return nowMs_; }  // of this turn, Unix milliseconds

  // The commit point moved: what waits for it may be sent.
  void flushCommitted();

  // Periodic duties: clients' limits and time-outs, active expiry, growth of tables.
  void tick();
  // Called at the end of every turn; true if there is more to do at once.
  bool beforeSleep();

 private:
  struct Prepared {
    const command::CommandEntry* entry = nullptr;
    size_t keyArgument = 0;
    uint64_t hash = 0;
  };
  static constexpr size_t kBatch = 32;

  void refreshTime();
  const command::CommandEntry* findCommand(std::string_view name);
  void lookAtTables();
  void lookAway();
  void prepareBatch(Session& session, size_t count);
  Outcome executeOne(Connection& connection, wire::ParsedCommand& parsed, const Prepared& prepared);

  bool reject(Session& session, const command::CommandEntry* entry, std::string_view error);
  // Says what is wrong with a command that does not exist, or not with so many words.
  void refuseShape(Session& session, const command::CommandEntry* entry, command::Args args);
  // Admission. Each writes the error that it finds and answers false.
  bool pausedFor(const Session& session, const command::CommandEntry& entry) const;
  uint64_t flagsOf(const Session& session, const command::CommandEntry& entry) const;
  bool needsMemory(const Session& session, const command::CommandEntry& entry, uint64_t flags) const;
  bool refusedToListener(Session& session, const command::CommandEntry& entry);
  bool admit(Session& session, const command::CommandEntry& entry, command::Args args, const Prepared& prepared);
  // Cluster mode (worker_slots.cc).
  bool servesSlot(Session& session, const command::CommandEntry& entry, command::Args args, const Prepared* prepared,
                  bool locked);
  bool stillServesSlot(Session& session, const command::CommandEntry& entry, command::Args args);
  Outcome checkQueued(Session& session, const command::CommandEntry& entry, command::Args args, bool& serves);
  bool redirect(Session& session, const command::CommandEntry& entry, std::string_view error);
  bool heldBack(Session& session, const command::CommandEntry& entry, command::Args args);
  bool importsSlots(Session& session, const command::CommandEntry& entry, command::Args args);
  void afterImported(Session& session, const command::CommandEntry* entry, bool failed, size_t mark);
  void pauseSession(Session& session);
  std::string misplaced(const BlockedCall& call) const;
  void countForSlot(const BlockedCall& call, int64_t nanos, size_t bytesOut);  // that the call of a slot took at its end
  // ACL. The second is for EXEC: rights may have changed since the command was queued.
  bool permitted(Session& session, const command::CommandEntry& entry, command::Args args);
  bool stillPermitted(Session& session, const command::CommandEntry& entry, command::Args args);
  void queueCommand(Session& session, const command::CommandEntry& entry, command::Args args);
  void afterCommand(Session& session, size_t mark);

  // Statistics of commands (worker_timing.cc). A command's time runs from the end of the one before it in its batch, so
  // that each costs one reading of the clock.
  void startTiming();
  int64_t stopTiming();  // nanoseconds since the last of either; the next command's time begins
  void called(const Session& session, const command::CommandEntry& entry, command::Args args, int64_t nanos);
  void noteSlow(const Session& session, const command::CommandEntry& entry, command::Args args, int64_t nanos);
  void endedBlocked(const Session& session, const BlockedCall& call, int64_t nanos);
  enum class Ending : uint8_t { kExecuted, kRejected };
  void noteErrors(const command::Reply& reply, const command::CommandEntry* entry, Ending ending);

  // Running.
  void beforeRun(Session& session);
  Outcome runLocked(Session& session, const command::CommandEntry& entry, command::Args args, const Prepared& prepared);
  Outcome runExec(Session& session, const command::CommandEntry& entry, command::Args args);
  Outcome endUnit(Session& session);
  void suspendBlocked(Session& session);
  void finishEnded(const std::shared_ptr<BlockedCall>& call, Unblock how);
  void replyEnded(Session& session, const BlockedCall& call, Unblock how);
  bool keptFrom(Session& session, const command::CommandEntry& entry, command::Args args);
  void serveReserved();
  void serveReserved(const Execution::Reserved& reserved);

  // Locks. What returns false has left a waker behind.
  Task wakeLater(uint64_t sessionId);
  void putBack(Session& session);
  bool takeWorld(Session* session, Task* wake);  // the shared side; wakes the session, or as *wake says
  void leaveWorldForExclusive();
  bool enterExclusive(Task wake);
  void shardsOf(const command::CommandEntry& entry, command::Args args, std::vector<uint32_t>& shards);
  static void normalise(std::vector<uint32_t>& shards);
  bool lockShards(const std::vector<uint32_t>& shards, Task&& wake);  // false: the waker was kept, else it was not
  bool lockShards(const std::vector<uint32_t>& shards, uint64_t sessionId);
  bool waitForShard(uint32_t shard, uint64_t sessionId);  // that was busy; false: the waker was kept
  bool lockKeys(Session& session, const command::CommandEntry& entry, command::Args args);  // false: put back
  void unlockAll();
  void runWithWorld(Task work);

  // Upkeep.
  void removeConnection(uint64_t id);
  void checkClients();
  void checkEachSecond();
  void upkeepOfShards(int64_t periodUs);
  bool backgroundStep();
  bool mustNotShow(Session& session);

  Engine& engine_;
  const size_t number_;
  EventLoop& loop_;
  WorkerStats stats_;
  CommandStatistics commandStatistics_;
  Execution execution_;
  Evictor evictor_;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> toFlush_;
  std::vector<Connection*> commitWaiters_;  // have output that waits for the commit point
  std::vector<uint64_t> toClose_;
  Inbox inbox_;
  std::vector<Inbox::Entry> taken_;  // from the inbox; empty but for its memory
  std::vector<uint64_t> paused_;
  std::array<wire::ParsedCommand, kBatch> parsed_;
  std::array<Prepared, kBatch> prepared_;
  std::vector<uint32_t> shardScratch_;
  std::vector<command::KeyPosition> keyScratch_;
  std::array<char, 32> lastName_{};  // as it was written; see findCommand()
  size_t lastNameSize_ = 0;
  const command::CommandEntry* lastEntry_ = nullptr;
  RunningCommand running_;
  Arrivals arrivals_;
  bool insideWorld_ = false;
  UnixMs nowMs_ = 0;
  TimerId tickTimer_ = 0;
  TimerId dutyTimer_ = 0;  // background duties rest until it fires
  oplog::Offset pumped_ = 0;  // the log's published offset when its sinks were last pumped here
  MonoUs checkedAt_ = 0;
  size_t upkeepCursor_ = 0;  // which of this worker's shards upkeep begins with
  const command::CommandEntry* execEntry_ = nullptr;
  const command::CommandEntry* pingEntry_ = nullptr;
  uint64_t slotsCheckedAt_ = 0;  // cluster mode: of the command that runs, with which routing; 0: it has no slot
  bool slotUndecided_ = false;   // and whether its keys exist decides
  int32_t costsSlot_ = -1;       // the slot that the command that runs is counted for; -1: none
  int64_t timedFrom_ = 0;  // nanos() of the clock
  uint32_t errorsSeen_ = 0;  // of the session whose command runs
};

}  // namespace vigil::engine
