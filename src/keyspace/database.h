// One numbered database as a command handler sees it: the keyspace's tables, restricted to the shards that the command
// holds, at one moment in time. All reading and changing of keys goes through here, so that expiry, snapshots,
// statistics and memory are right whatever the command does.
//
// Valid while the engine holds the shards of the command's keys; asking for a key of another shard is a programming
// error. Not thread safe.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "keyspace/access_clock.h"
#include "keyspace/entry.h"
#include "keyspace/expiry_listener.h"
#include "keyspace/table.h"

namespace vigil::keyspace {

class Keyspace;
class Shard;

// How a view treats entries whose time has come.
enum class ExpiryMode : uint8_t {
  kDelete,  // a master: deleted when met, the deletion is logged
  kHide,    // a replica's clients: absent, but left in place until the master says so
  kIgnore,  // the master's stream, loading: an entry is there until it is deleted
};

// How a walk over several shards takes the next one: without ever waiting.
class ShardAccess {
 public:
  virtual ~ShardAccess() = default;
  virtual bool tryEnter(size_t shard) = 0;
  virtual void leave(size_t shard) = 0;
};

class Database {
 public:
  Database(Keyspace& keyspace, int index);
  // Set by the engine for each execution.
  void prepare(UnixMs now, ExpiryMode mode, ExpiryListener* listener, bool touch);
  // Whether the listener wants to hear of new keys, and of misses. Holds until it is called again.
  void announce(bool created, bool missed) {
    announceCreated_ = created;
    announceMissed_ = missed;
  }

  int index() const { return index_; }
  UnixMs now() const { return now_; }
  ExpiryMode expiryMode() const { return mode_; }
  KeyRef ref(std::string_view key) const;
  const AccessPolicy& accessPolicy() const { return policy_; }  // of this execution: for OBJECT IDLETIME and FREQ

  // --- Looking up. The pointer is valid until the next change to this database. ---
  // For reading: nullptr if absent or expired. Counts a hit or a miss, refreshes the access time.
  const Entry* find(const KeyRef& key);
  // The same, but leaves the access time alone (EXISTS, TYPE, TTL).
  const Entry* findUntouched(const KeyRef& key);
  // For reading without a trace: no statistics, no access time (OBJECT, TTL with NOTOUCH, DEBUG).
  const Entry* peek(const KeyRef& key) { return lookup(key).entry(); }
  // To change the entry's value in place through the pointer. Its bucket is handed to running snapshots first.
  // Refreshes the access time; counts no hit or miss. Here and in all changes, an entry whose time has come is deleted
  // also in mode kHide, without a word: it is in the way of a local write.
  Entry* findForWrite(const KeyRef& key) { return spotForWrite(key).entry(); }
  // The same, with where the key is, or would be: for a value that may need another entry. Valid as the pointer.
  struct Spot {
    Shard* shard;
    Table* table;  // nullptr: none yet
    Table::Place place;
    Entry* entry() const { return place ? place.entry() : nullptr; }
  };
  Spot spotForWrite(const KeyRef& key);
  bool exists(const KeyRef& key) { return peek(key) != nullptr; }

  // --- Changing. These do not notify: the handler calls Context::changed(). ---
  enum class Ttl : uint8_t { kKeep, kClear };
  // Creates or overwrites, whatever was there; integers in canonical form are stored as numbers. kClear: the entry
  // expires at expireAt, 0: never.
  void setString(const KeyRef& key, std::string_view value, Ttl ttl = Ttl::kClear, UnixMs expireAt = 0);
  // The same, but stored as text even if it is an integer (INCRBYFLOAT, whose encoding OBJECT shows).
  void setText(const KeyRef& key, std::string_view value, Ttl ttl = Ttl::kClear, UnixMs expireAt = 0);
  void setNumber(const KeyRef& key, int64_t value, Ttl ttl = Ttl::kClear);
  void setNumber(const Spot& spot, const KeyRef& key, int64_t value, Ttl ttl);  // where spotForWrite() found it
  // Large values without copying; marked as edited, so OBJECT ENCODING says raw, whatever the bytes. For BITOP.
  void setBuffer(const KeyRef& key, ds::SharedBuffer value, Ttl ttl = Ttl::kClear);
  // An editable string: the value's bytes grown (zero-filled) or kept to at least `size`, as one mutable range, the
  // entry marked as edited. Creates the key if it is absent. For APPEND, SETRANGE, SETBIT, BITFIELD.
  std::span<char> editString(const KeyRef& key, size_t size);
  // Appends; returns the new length. The key must hold a string or be absent.
  size_t appendString(const KeyRef& key, std::string_view tail);
  // Creates an empty list, in place of whatever was there. It must not stay so: erase the key when its last item goes.
  ds::ChunkedList& addList(const KeyRef& key);
  // Deletes; true if there was something (expired entries count as absent). Large values are freed in the background
  // when `lazily`; without it, as lazyfree-lazy-server-del says.
  bool erase(const KeyRef& key);
  bool erase(const KeyRef& key, bool lazily);
  // Takes the entry out, for RENAME and MOVE; nullptr if absent. Give it to adopt() or free it.
  Entry* take(const KeyRef& key);
  // Puts an entry under a key that is absent here; the value and expiry stay as they are.
  void adopt(const KeyRef& key, Entry* entry);
  // A deep, independent copy of the entry's value under an absent key of `target`, expiry included (COPY).
  void copyTo(const Entry& from, Database& target, const KeyRef& to);

  // --- Time to live ---
  // at: Unix milliseconds, not 0. False if the key is absent.
  bool setExpire(const KeyRef& key, UnixMs at);
  bool persist(const KeyRef& key);  // true if it had a time to live

  // --- The whole database: only for commands that hold the world (kWholeKeyspace) or, where it says so, any ---
  size_t size() const;        // any: DBSIZE; entries that expired but are not yet deleted count
  size_t withExpiry() const;  // any
  // One step of SCAN: visits at least about `count` entries, live ones only, and returns the next cursor, 0 at the end.
  // The engine holds the shard that scanShard(cursor) names; further shards are taken through `access` one at a time,
  // and the walk stops early, with a cursor that goes on there, where one is not free.
  uint64_t scan(uint64_t cursor, size_t count, ShardAccess& access, const std::function<void(const Entry&)>& visit);
  size_t scanShard(uint64_t cursor) const;  // any number is a valid cursor
  // Every live entry, in no order. World held.
  void forEach(const std::function<void(const Entry&)>& visit);
  const Entry* randomEntry(const std::function<uint64_t()>& random);  // world held; live entries only

 private:
  Spot locate(const KeyRef& key) const;
  Spot lookup(const KeyRef& key);
  Spot lookupForWrite(const KeyRef& key);
  bool live(const Entry& entry) const { return mode_ == ExpiryMode::kIgnore || !entry.expired(now_); }
  UnixMs expiryFor(const Spot& spot, Ttl ttl, UnixMs expireAt) const;
  void put(const Spot& spot, const KeyRef& key, Entry* entry);
  void insert(const Spot& spot, const KeyRef& key, Entry* entry);
  void setNumberUntil(const Spot& spot, const KeyRef& key, int64_t value, UnixMs at);
  void setExpireInPlace(const Spot& spot, const KeyRef& key, UnixMs at);
  void rebuildWithExpiry(const Spot& spot, const KeyRef& key, UnixMs at);
  void touch(Entry& entry);
  uint64_t random();

  Keyspace* keyspace_;
  int index_;
  bool touch_ = true;
  bool announceCreated_ = false;
  bool announceMissed_ = false;
  ExpiryMode mode_ = ExpiryMode::kDelete;
  UnixMs now_ = 0;
  uint32_t lruNow_ = 0;
  AccessPolicy policy_;
  ExpiryListener* listener_ = nullptr;
  uint64_t randomState_;  // for LFU's dice
};

}  // namespace vigil::keyspace
