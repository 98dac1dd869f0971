// Client-side caching (CLIENT TRACKING): who is to hear that a key has changed, and the telling.
//
// Who has read what stands in the shards (TrackedKeys), under their locks: a client is noted while its command holds
// the shard, and whoever changes the key puts the invalidation into the client's inbox before letting the shard go. So
// the invalidation follows the reply that it is about, and what is read after it is fresh.
//
//   read   shard locked -> reply, client noted ----------------> unlocked
//   write                                        shard locked -> changed, client taken out -> inbox -> unlocked
//
// Clients of the broadcasting mode are noted by prefix, here.
//
// Thread safe; its lock is taken under the shards' and over the inboxes'.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "engine/message.h"
#include "engine/prefix_index.h"
#include "engine/tracked_keys.h"
#include "oplog/log.h"

namespace vigil::engine {

class Audience;
class ClientRegistry;
class Worker;
struct ClientInfo;

// Something that clients must not go on caching.
struct Invalidation {
  enum class Kind : uint8_t {
    kChanged,    // the key has another value, or is gone
    kForgotten,  // it has not, but nobody will say so when it has
    kAll,        // every key
  };
  Kind kind = Kind::kAll;
  std::string key = {};
  uint64_t writer = 0;                 // the client that changed it; 0: none
  std::vector<uint64_t> readers = {};  // the clients that were noted for it
};

class Tracking {
 public:
  using Client = std::shared_ptr<ClientInfo>;

  Tracking(const ClientRegistry& registry, Audience& audience) : registry_(registry), audience_(audience) {}

  // --- Clients ---
  void enable(const Client& client);
  void disable(const ClientInfo& client);  // its prefixes are left before
  void joinPrefix(std::string_view prefix, const Client& client);
  void leavePrefix(std::string_view prefix, const ClientInfo& client);
  bool broadcasting() const { return prefixes_.load(kRelaxed) != 0; }

  // For INFO; any thread.
  int64_t clientCount() const { return clientCount_.load(kRelaxed); }
  int64_t prefixCount() const { return prefixes_.load(kRelaxed); }
  int64_t keyCount() const { return keys_.load(kRelaxed); }
  int64_t pairCount() const { return pairs_.load(kRelaxed); }  // of a key and a client

  // --- What was read; the shard's lock is held ---
  void note(TrackedKeys& keys, std::string_view key, uint64_t client);
  std::vector<uint64_t> take(TrackedKeys& keys, std::string_view key);
  void clear(TrackedKeys& keys);

  // Puts the invalidations into the inboxes of all who are concerned. `from`: the worker whose thread this is.
  void tell(std::span<const Invalidation> what, oplog::Offset depends, const Worker* from);

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;
  struct Prefix {
    std::map<uint64_t, Client> clients;
    std::map<std::string_view, uint64_t> changed;  // by key, who changed it; while tell() runs
  };

  void tellReaders(const Invalidation& what, oplog::Offset depends, const Worker* from);
  void tellAll(oplog::Offset depends, const Worker* from);
  void broadcast(std::span<const Invalidation> what, oplog::Offset depends, const Worker* from);
  void tellPrefix(const Prefix& prefix, oplog::Offset depends, const Worker* from) const;
  // To the client, or to whom it is redirected.
  void send(const Client& client, Message message, oplog::Offset depends, const Worker* from) const;

  const ClientRegistry& registry_;
  Audience& audience_;
  std::atomic<int64_t> clientCount_{0};
  std::atomic<int64_t> prefixes_{0};
  std::atomic<int64_t> keys_{0};
  std::atomic<int64_t> pairs_{0};

  Mutex mutex_;
  std::map<uint64_t, Client> clients_ GUARDED_BY(mutex_);  // all with tracking on, by id
  PrefixIndex<Prefix> byPrefix_ GUARDED_BY(mutex_);
};

}  // namespace vigil::engine
