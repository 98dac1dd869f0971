// What the engine keeps for each shard of the keyspace, under that shard's lock: who watches its keys, who is blocked
// on them, who caches them, and the offset of its last write.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ports/event_loop.h"
#include "base/simulation.h"
#include "engine/tracked_keys.h"
#include "oplog/log.h"

namespace vigil::engine {

struct BlockedCall;

// Set when a watched key changed; shared by a session and the shards of its watched keys.
struct WatchToken {
  std::atomic<bool> failed{false};
};

// One session's watch on a key.
struct Watch {
  std::shared_ptr<WatchToken> token;
  bool wasExpired;  // at the time of WATCH: its going then is no change

  void fail() const { token->failed.store(true, std::memory_order_relaxed); }
};

struct DatabaseKey {
  int db;
  std::string key;
};
struct DatabaseKeyView {
  int db;
  std::string_view key;
};
struct DatabaseKeyHash {
  using is_transparent = void;
  size_t operator()(const DatabaseKey& k) const { return (*this)(DatabaseKeyView{k.db, k.key}); }
  size_t operator()(const DatabaseKeyView& k) const {
    return std::hash<std::string_view>()(k.key) * 31 + static_cast<size_t>(k.db);
  }
};
struct DatabaseKeyEqual {
  using is_transparent = void;
  static DatabaseKeyView view(const DatabaseKey& k) { return {k.db, k.key}; }
  static DatabaseKeyView view(const DatabaseKeyView& k) { return k; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return view(a).db == view(b).db && view(a).key == view(b).key;
  }
};
template <typename Value>
using DatabaseKeyMap = std::unordered_map<DatabaseKey, Value, DatabaseKeyHash, DatabaseKeyEqual>;

// A key that is kept for a blocked call: there is something for it, but serving it needs locks that were not free. Until
// the call has run with locks of its own, commands that name the key are put back, so that none takes first.
//
// Older reservations never wait for younger ones, and no reservation for a command without one: no circle can form.
//
// One without a call is a hold (HeldKeys): it waits for no lock and no other reservation, and is not served but released.
struct Reservation {
  uint64_t number = 0;  // in the order in which they were made, over all shards
  int db = 0;
  std::string key;
  uint64_t hash = 0;
  std::shared_ptr<BlockedCall> call = nullptr;  // nullptr: a hold
  std::vector<Task> waiters = {};  // called when it ends: each posts to whoever was put back
};

struct ShardState {
  // Replies that read or wrote this shard depend on it; see CommitPoint.
  oplog::Offset lastWrite = 0;

  DatabaseKeyMap<std::vector<Watch>> watches;
  DatabaseKeyMap<std::deque<std::shared_ptr<BlockedCall>>> blocked;
  TrackedKeys tracked;
  std::atomic<int64_t> blockedKeys{0};  // blocked.size(), for any thread
  std::vector<Reservation> reserved;  // Engine::reservations() tells whether there is any in all shards

  void watch(int db, std::string_view key, Watch watch) {
    watches[DatabaseKey{db, std::string(key)}].push_back(std::move(watch));
  }
  void unwatch(int db, std::string_view key, const WatchToken* token) {
    auto at = watches.find(DatabaseKeyView{db, key});
    if (at == watches.end()) return;
    std::erase_if(at->second, [token](const Watch& w) { return w.token.get() == token; });
    if (at->second.empty()) watches.erase(at);
  }
  // The key changed. gone(): whether it is not there now, which changes nothing for who watched it when its time had
  // come already.
  template <typename Gone>
  void touch(int db, std::string_view key, Gone gone) {
    if (watches.empty() || planted(PlantedBug::kWatchNotTouched)) [[likely]]
      return;
    auto at = watches.find(DatabaseKeyView{db, key});
    if (at == watches.end()) return;
    for (Watch& watch : at->second) {
      if (watch.wasExpired && gone()) {
        watch.wasExpired = false;
      } else {
        watch.fail();
      }
    }
  }
  void unblock(int db, std::string_view key, const BlockedCall* call) {
    auto at = blocked.find(DatabaseKeyView{db, key});
    if (at == blocked.end()) return;
    std::erase_if(at->second, [call](const auto& c) { return c.get() == call; });
    if (at->second.empty()) blocked.erase(at);
    blockedKeys.store(static_cast<int64_t>(blocked.size()), std::memory_order_relaxed);
  }
  void block(int db, std::string_view key, std::shared_ptr<BlockedCall> call) {
    auto& queue = blocked[DatabaseKey{db, std::string(key)}];
    // The same key given twice waits once.
    if (queue.empty() || queue.back() != call) queue.push_back(std::move(call));
    blockedKeys.store(static_cast<int64_t>(blocked.size()), std::memory_order_relaxed);
  }
};

}  // namespace vigil::engine
