// What a command handler sees: its arguments, a keyspace that nobody else touches while it runs, its reply, and the
// ways to say what it did. It never learns of threads, sockets, replication or clusters.
//
// Implemented by the engine. Lives for one execution; valid on the executing thread only.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/ports/clock.h"
#include "command/reply.h"

namespace vigil::keyspace {
class Database;
class Keyspace;
class ShardAccess;
struct KeyRef;
}  // namespace vigil::keyspace

namespace vigil::command {

struct CommandSpec;
struct Session;

using Args = std::span<const std::string_view>;

// Classes of keyspace notifications, with the letters of notify-keyspace-events.
enum class EventClass : uint16_t {
  kGeneric = 1 << 0,  // g
  kString = 1 << 1,   // $
  kList = 1 << 2,     // l
  kSet = 1 << 3,      // s
  kHash = 1 << 4,     // h
  kZset = 1 << 5,     // z
  kExpired = 1 << 6,  // x
  kEvicted = 1 << 7,  // e
  kStream = 1 << 8,   // t
  kKeyMiss = 1 << 9,  // m
  kNew = 1 << 10,     // n
};

// What a blocked client is told when its time is up.
enum class TimeoutReply : uint8_t { kNullArray, kNull, kInteger };

class Context {
 public:
  virtual ~Context() = default;

  Args args() const { return args_; }  // args()[0]: the command's name as the client wrote it
  std::string_view arg(size_t i) const { return args_[i]; }
  size_t argc() const { return args_.size(); }
  Reply& reply() { return *reply_; }
  keyspace::Database& db() { return *db_; }
  // The time of this execution, the same for all commands of a transaction or script. Milliseconds, Unix.
  UnixMs now() const { return now_; }
  Session& session() { return *session_; }
  const CommandSpec& spec() const { return *spec_; }
  // Whatever owner the command's table was registered with (engine, replication driver, configuration…).
  template <typename Owner>
  Owner& owner() const {
    return *static_cast<Owner*>(owner_);
  }

  // The key that stands at an argument, its hash computed at most once.
  virtual keyspace::KeyRef key(size_t argument) = 0;
  // Another numbered database (MOVE, COPY); nullptr if there is no such index. Locked like db().
  virtual keyspace::Database* database(int64_t index) = 0;
  // How SCAN takes the shards that it walks on to.
  virtual keyspace::ShardAccess& shards() = 0;
  // All keys of the node: only for commands that hold the world (kWholeKeyspace), apart from what any thread may ask.
  virtual keyspace::Keyspace& keyspace() = 0;
  // Whether the client's user may access any key whatever its name, in the ways of these KeyFlags: asked by commands that
  // touch keys which their arguments do not name. Not for commands that block.
  virtual bool mayAccessAllKeys(uint32_t keyFlags) = 0;
  // A uniformly distributed number (RANDOMKEY).
  virtual uint64_t random() = 0;
  // This argument is a secret: the slow log and MONITOR show "(redacted)" in its place. In ascending order.
  virtual void redact(size_t argument) = 0;

  // --- What the command did -------------------------------------------------------------------------------------
  // The key's value, existence or time to live changed: counts towards rdb_changes_since_last_save, fails watching
  // transactions, invalidates client caches, sends the keyspace event. Call it once per key and change, after it. A
  // command that never calls it, nor propagate(), leaves no record in the log.
  // `count`: how many changes that is to Redis (elements pushed or removed), for the save points.
  void changed(const keyspace::KeyRef& key, EventClass event_class, std::string_view event, size_t count = 1) {
    onChanged(key, event_class, event, count);
  }
  // From here on changed(), event() and ready() speak of keys of this database (MOVE, COPY), not of the selected one.
  virtual void notifyIn(int db) = 0;
  // A keyspace event without a change of its own (a second one, such as "del" after the last "lpop").
  virtual void event(EventClass event_class, std::string_view event, const keyspace::KeyRef& key) = 0;
  // Logs this instead of the command as sent. Several calls log several commands, as one unit.
  virtual void propagate(Args command) = 0;
  void propagate(std::initializer_list<std::string_view> command) {
    propagate(Args(command.begin(), command.size()));
  }
  // Logs nothing although something changed (the change is logged by other means).
  virtual void propagateNothing() = 0;
  // All keys of a database (-1: of all databases) are about to go, in one piece: fails the transactions that watch one
  // of them, invalidates client caches, counts as many changes as there are keys. Call it before they are detached.
  // True: the client is told OK later, once a crash does not bring them back, and the command writes no reply.
  virtual bool databaseFlushed(int db) = 0;
  // The keys of two databases changed places: fails the transactions that watch a key which exists in either, serves
  // clients blocked on keys that came to be. Call it after.
  virtual void databasesSwapped(int a, int b) = 0;
  // Elements came to be at this key: clients blocked on it may be served, after this command (after EXEC).
  virtual void ready(const keyspace::KeyRef& key) = 0;

  // --- Blocking -------------------------------------------------------------------------------------------------
  // False in a transaction, in a script, for the master's stream: answer at once what the time-out would answer.
  virtual bool mayBlock() const = 0;
  // Whether the command runs again after block(). A key that holds another type than the command waits for is then
  // like one that is absent: the client stays blocked.
  bool resumed() const { return resumed_; }
  // Of several keys a waiting client is served from the one that became ready first, whatever their order in its call.
  bool servesFrom(std::string_view key) const { return resumedKey_.empty() || key == resumedKey_; }
  // Suspends the client until one of the keys is ready(): the command then runs again from its beginning, and may
  // block again (it keeps its place in the queue). `timeoutUs` 0: for ever. Write no reply before.
  virtual void block(std::span<const size_t> keyArguments, int64_t timeoutUs, TimeoutReply onTimeout) = 0;

 protected:
  virtual void onChanged(const keyspace::KeyRef& key, EventClass event_class, std::string_view event,
                         size_t count) = 0;

  Args args_;
  Reply* reply_ = nullptr;
  keyspace::Database* db_ = nullptr;
  UnixMs now_ = 0;
  Session* session_ = nullptr;
  const CommandSpec* spec_ = nullptr;
  void* owner_ = nullptr;
  bool resumed_ = false;
  std::string_view resumedKey_;  // the key that made a resumed command run; empty: any of its keys
};

}  // namespace vigil::command
