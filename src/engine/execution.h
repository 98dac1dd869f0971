// One unit of execution on a worker: a command, a transaction, or a blocked command that is being served. Implements
// what handlers see (command::Context), collects what they did, and ends in one append to the log.
//
//   begin() -> run() once or more -> finish(): effects to the log, blocked clients served -> the caller unlocks
//
// One per worker, reused. Used on the worker's thread, under the locks of its LockSet.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ports/event_loop.h"
#include "command/context.h"
#include "engine/effects.h"
#include "engine/lock_set.h"
#include "engine/outgoing.h"
#include "keyspace/database.h"

namespace vigil::command {
struct CommandEntry;
}

namespace vigil::engine {

class Engine;
class Worker;
struct BlockedCall;
struct Reservation;
class TrackedKeys;
struct Session;
struct ShardState;

class Execution final : public command::Context, private keyspace::ExpiryListener, private keyspace::ShardAccess {
 public:
  Execution(Engine& engine, Worker& worker);

  LockSet& locks() { return locks_; }

  // Starts a unit. `atomic`: several commands follow and are logged as one MULTI … EXEC.
  void begin(UnixMs now, bool atomic);
  // One command of the unit. `keyHash`: of the key at argument `keyArgument`, if the caller knows it (0: none).
  void run(command::Session& session, const command::CommandEntry& command, command::Args args, command::Reply& reply,
           size_t keyArgument = 0, uint64_t keyHash = 0);
  // Whether the command of the last run() wants to wait; then the unit must be empty otherwise.
  bool wantsBlock() const { return wantsBlock_; }
  std::shared_ptr<BlockedCall> takeBlock();
  // Ends the unit: appends to the log, remembers the offset in the shards written, serves blocked clients. Returns the
  // offset that a reply of this unit depends on.
  oplog::Offset finish();
  oplog::Offset written() const { return offset_; }  // behind the last unit's record, 0: it wrote none
  size_t loggedBytes() const { return loggedBytes_; }  // of all records so far; counted for CLUSTER SLOT-STATS alone

  // --- Keys reserved for blocked calls (reservations.cc) ---
  // A reservation that a unit made: its worker serves it when the unit's locks are released.
  struct Reserved {
    uint32_t shard;
    uint64_t number;
    std::shared_ptr<BlockedCall> call;
  };
  std::vector<Reserved> takeReserved() { return std::exchange(reserved_, {}); }
  bool madeReservations() const { return !reserved_.empty(); }
  // If one of the command's keys, whose shards are held, is reserved for another call than `except`, by a reservation
  // older than `number`: leaves the waker there and returns true.
  bool waitsForReserved(const command::CommandEntry& command, command::Args args, const BlockedCall* except,
                        uint64_t number, Task&& wake);
  // A unit of its own, under all locks of the call: serves the reservation if it still stands, ends it, and goes on with
  // who else waits for the key. The caller calls what is in `waiters` once it has released the locks.
  void serveReservation(const Reserved& reserved, UnixMs now, std::vector<Task>& waiters);
  // Serves all there are, oldest first; the world is held.
  void serveAllReserved(UnixMs now);

  // For duties of the engine itself: deletes what has expired among about `budget` keys of one shard (locked), each
  // deletion a record of its own. True if more is due.
  bool expireShard(size_t shard, UnixMs now, size_t budget);

  // Whether a database has a key, of a shard that is held, whose time has not come.
  bool holdsKey(int db, std::string_view key, UnixMs now) const;

  // Deletes all keys of a slot from a database, each deletion a record of its own; its shard is held.
  void dropSlot(int db, uint16_t slot, UnixMs now);
  // The same for these keys, whose shards are held; who is not there any more is left out.
  void dropKeys(int db, std::span<const std::string> keys, UnixMs now);

  // Forgets what clients cache of one shard (locked), as far as there is more of it than there may be; they are told.
  void limitTracked(size_t shard, UnixMs now);

  // Evicts the entry with this hash from one shard (locked), as a record of its own, if it is there; returns how many
  // bytes that freed.
  int64_t evict(size_t shard, UnixMs now, int db, uint64_t hash, bool lazily);

  // --- command::Context ---
  keyspace::KeyRef key(size_t argument) override;
  keyspace::Database* database(int64_t index) override;
  keyspace::ShardAccess& shards() override { return *this; }
  keyspace::Keyspace& keyspace() override;
  bool mayAccessAllKeys(uint32_t keyFlags) override;
  uint64_t random() override;
  void redact(size_t argument) override { redacted_.push_back(argument); }
  void notifyIn(int db) override { notifyDb_ = db; }
  void event(command::EventClass eventClass, std::string_view event, const keyspace::KeyRef& key) override;
  void propagate(command::Args command) override;
  using command::Context::propagate;
  void propagateNothing() override { asSent_ = false; }
  bool databaseFlushed(int db) override;
  void databasesSwapped(int a, int b) override;
  void ready(const keyspace::KeyRef& key) override;
  bool mayBlock() const override { return mayBlock_; }
  void block(std::span<const size_t> keyArguments, int64_t timeoutUs, command::TimeoutReply onTimeout) override;

  // PUBLISH: delivers the message at the end of the unit if there is anybody to get it, and passes it on to replicas.
  void publish(PubSub::Space space, std::string_view channel, std::string_view payload, bool receivers);

  // --- For the engine's own commands, which downcast the Context they are given ---
  Engine& engine() { return engine_; }
  Worker& worker() { return worker_; }
  const command::CommandEntry& command() const { return *command_; }
  bool inTransaction() const { return atomic_; }
  void setMayBlock(bool may) { mayBlock_ = may; }

  // Shows a command to the MONITORs, if there are any. run() does so by itself, but for EXEC, whose transaction is
  // first.
  void show(const Session& session, command::Args args);

  int64_t blockTimeoutUs() const { return blockTimeoutUs_; }
  // The arguments of the last command that are secrets, ascending.
  std::span<const size_t> redacted() const { return redacted_; }

 private:
  struct ReadyKey {
    int db;
    std::string key;
    uint64_t hash;
  };
  struct KeyHash {
    size_t argument;
    uint64_t hash;
  };

  void onChanged(const keyspace::KeyRef& key, command::EventClass eventClass, std::string_view event,
                 size_t count) override;
  void onExpired(int db, const keyspace::KeyRef& key) override;
  void onCreated(int db, const keyspace::KeyRef& key) override;
  void onMissed(int db, const keyspace::KeyRef& key) override;
  // Not annotated: what is held between the two is known at run time only.
  bool tryEnter(size_t shard) override NO_THREAD_SAFETY_ANALYSIS;
  void leave(size_t shard) override NO_THREAD_SAFETY_ANALYSIS;

  // A key that goes on the keyspace's own account.
  void keyGone(int db, const keyspace::KeyRef& key, command::EventClass eventClass, std::string_view event,
               bool unlink);
  void beginRecord(bool atomic);
  // Client-side caching (cached_reads.cc): what was read is noted, who has cached what changes is told.
  void noteReads(const Session& session, const command::CommandEntry& command, command::Args args);
  void invalidate(std::string_view key, uint64_t hash, uint64_t writer);
  void invalidateAll();
  bool forgetTracked(TrackedKeys& keys, std::optional<std::string_view> except);
  void prepare(keyspace::Database& database);
  ShardState& stateOf(uint64_t hash);
  void touchWatched(ShardState& state, const keyspace::KeyRef& key);
  // The event, if it is asked for.
  void tell(int db, command::EventClass eventClass, std::string_view event, std::string_view key) {
    if ((audience_ & static_cast<uint32_t>(eventClass)) != 0) [[unlikely]] tellEvent(db, event, key);
  }
  void tellEvent(int db, std::string_view event, std::string_view key);
  oplog::Offset endRecord();
  oplog::Offset deliverRecord();
  void logEffects();
  void appendEffects();
  oplog::Offset noteOffset();
  void serveReady();
  void serveWaiting(const ReadyKey& key);
  // Runs a blocked call for this key, if nobody else ended its wait.
  enum class Served : uint8_t { kYes, kNo, kNeedsLocks };
  Served serve(const std::shared_ptr<BlockedCall>& call, std::string_view key);
  bool lockKeysOf(const BlockedCall& call);
  void giveBack(const std::shared_ptr<BlockedCall>& call);
  void reserve(const ReadyKey& key, std::shared_ptr<BlockedCall> call);
  Reservation* findReserved(const command::CommandEntry& command, command::Args args, const BlockedCall* except,
                            uint64_t olderThan);

  Engine& engine_;
  Worker& worker_;
  LockSet locks_;
  std::vector<keyspace::Database> databases_;
  const command::CommandEntry* command_ = nullptr;
  KeyHash firstHash_{0, 0};      // of the key that the worker hashed; argument 0: none
  std::vector<KeyHash> hashes_;  // of further keys

  // The unit.
  Effects effects_;
  Outgoing outgoing_;
  uint32_t audience_ = 0;     // who wants to hear of the unit, see Audience
  bool changedData_ = false;  // else its record, if any, is nothing that a reply waits for
  bool atomic_ = false;
  bool expiring_ = false;     // active expiry: every deletion is a unit of its own
  bool logged_ = false;       // the log was active when the unit began
  int64_t changes_ = 0;       // of the unit, not yet counted
  oplog::Offset offset_ = 0;  // behind the unit's record
  size_t loggedBytes_ = 0;
  oplog::Offset scanned_ = 0;  // the greatest last write of the shards that SCAN entered and left again
  std::vector<ReadyKey> ready_;
  std::vector<Reserved> reserved_;
  uint64_t servingNumber_ = UINT64_MAX;  // of the reservation that is being served

  // The command that runs.
  int notifyDb_ = 0;    // the database of the keys that changed() and ready() name
  bool asSent_ = true;  // logged as the client sent it
  std::vector<size_t> redacted_;
  bool commandChanged_ = false;
  bool mayBlock_ = true;
  bool wantsBlock_ = false;
  bool entered_ = false;  // SCAN holds an extra shard through tryEnter()
  std::shared_ptr<BlockedCall> block_;
  int64_t blockTimeoutUs_ = 0;
};

}  // namespace vigil::engine
