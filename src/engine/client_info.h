// What one client looks like from outside: CLIENT LIST and CLIENT KILL read it from any thread, its own worker keeps it
// up to date. Numbers are relaxed atomics; the strings change rarely and have a lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "base/ports/clock.h"

namespace vigil::command {
struct CommandEntry;
}

namespace vigil::engine {

class Connection;
class Worker;

enum ClientFlag : uint32_t {
  kClientMulti = 1u << 0,            // x
  kClientBlocked = 1u << 1,          // b
  kClientReplica = 1u << 2,          // S
  kClientMaster = 1u << 3,           // M
  kClientPubsub = 1u << 4,           // P
  kClientDirtyCas = 1u << 5,         // d
  kClientCloseAfterReply = 1u << 6,  // c
  kClientUnblocked = 1u << 7,        // u
  kClientCloseAsap = 1u << 8,        // A
  kClientUnixSocket = 1u << 9,       // U
  kClientReadonly = 1u << 10,        // r
  kClientMonitor = 1u << 11,         // O
  kClientNoEvict = 1u << 12,         // e
  kClientNoTouch = 1u << 13,         // T
  kClientTracking = 1u << 14,        // t
  kClientBroadcast = 1u << 15,       // B: tracking in the broadcasting mode
};

struct ClientInfo {
  ClientInfo(uint64_t id, Worker* worker) : id(id), worker(worker) {}
  const uint64_t id;
  Worker* const worker;
  std::string address;       // constant once registered
  std::string localAddress;  // constant once registered
  int descriptor = -1;
  MonoUs created = 0;

  std::atomic<MonoUs> lastInteraction{0};
  std::atomic<uint32_t> flags{0};  // ClientFlag
  std::atomic<bool> killed{false};  // CLIENT KILL chose it: its worker is about to close it
  std::atomic<int> db{0};
  std::atomic<int> protocol{2};
  std::atomic<int> queued{-1};  // commands queued by MULTI, -1 outside
  std::atomic<int> watched{0};
  std::atomic<uint64_t> queryBuffer{0};
  std::atomic<uint64_t> queryBufferFree{0};
  std::atomic<uint64_t> outputPending{0};
  std::atomic<uint64_t> outputMemory{0};
  std::atomic<uint64_t> queuedMemory{0};        // by MULTI and WATCH
  std::atomic<uint64_t> subscriptionMemory{0};
  std::atomic<int64_t> counted{0};     // its part of what ClientEviction has counted
  std::atomic<bool> evicting{false};   // its worker is about to close it, to make room
  std::atomic<int> subscriptions{0};
  std::atomic<int> patterns{0};
  std::atomic<int> shardSubscriptions{0};
  // CLIENT TRACKING.
  std::atomic<bool> noLoop{false};
  std::atomic<uint64_t> redirect{0};        // the client that gets its invalidations; 0: itself
  std::atomic<bool> redirectBroken{false};  // R: that one was gone when there was something for it; any thread
  std::atomic<uint64_t> prefixMemory{0};
  Connection* connection = nullptr;  // for its worker alone; null when it is gone
  std::function<void()> closer;      // how to end a link that is no connection of a worker's; constant once registered
  std::atomic<uint64_t> pushed{0};   // bytes for it in its worker's inbox
  std::atomic<bool> tooSlow{false};  // too many: it gets nothing more, its worker closes it
  std::atomic<const command::CommandEntry*> lastCommand{nullptr};

  struct Names {
    std::string name;
    std::string user = "default";
    std::string libraryName;
    std::string libraryVersion;
  };
  Names names() const {
    MutexLock guard(mutex_);
    return names_;
  }
  template <typename Change>
  void change(Change change) {
    MutexLock guard(mutex_);
    change(names_);
  }

 private:
  mutable Mutex mutex_;
  Names names_ GUARDED_BY(mutex_);
};

// All clients of the node, by id. Thread safe; a leaf lock.
class ClientRegistry {
 public:
  uint64_t nextId() { return nextId_.fetch_add(1, std::memory_order_relaxed); }
  // The id of one that was accepted. It takes a place at once, although its worker adds it only later.
  uint64_t expect() {
    const uint64_t id = nextId();
    MutexLock guard(mutex_);
    expected_.insert(id);
    return id;
  }
  // Holds a place for a connection that is not there yet, until it is let go of; nothing: all are taken.
  std::shared_ptr<void> holdPlace(size_t places) {
    MutexLock guard(mutex_);
    if (taken() >= places) return nullptr;
    held_->fetch_add(1);
    return {held_.get(), [held = held_](std::atomic<size_t>*) { held->fetch_sub(1); }};  // it may outlive the registry
  }
  void add(std::shared_ptr<ClientInfo> client) {
    MutexLock guard(mutex_);
    auto id = client->id;
    clients_.insert_or_assign(id, std::move(client));
    expected_.erase(id);
    updateCount();
  }
  // Another may stand under its id by now: a connection that became a replica's link.
  void remove(const ClientInfo& client) {
    MutexLock guard(mutex_);
    auto at = clients_.find(client.id);
    if (at != clients_.end() && at->second.get() == &client) clients_.erase(at);
    updateCount();
  }
  size_t count() const { return count_.load(std::memory_order_relaxed); }
  // In the order of their ids.
  std::vector<std::shared_ptr<ClientInfo>> all() const {
    MutexLock guard(mutex_);
    std::vector<std::shared_ptr<ClientInfo>> list;
    list.reserve(clients_.size());
    for (auto& [id, client] : clients_) list.push_back(client);
    return list;
  }
  std::shared_ptr<ClientInfo> find(uint64_t id) const {
    MutexLock guard(mutex_);
    auto at = clients_.find(id);
    return at == clients_.end() ? nullptr : at->second;
  }

 private:
  void updateCount() REQUIRES(mutex_) { count_.store(clients_.size(), std::memory_order_relaxed); }
  // Those that are there, those that are expected, and what is held for others: what maxclients limits.
  size_t taken() const REQUIRES(mutex_) { return clients_.size() + expected_.size() + held_->load(); }

  std::atomic<uint64_t> nextId_{1};
  std::atomic<size_t> count_{0};
  mutable Mutex mutex_;
  std::map<uint64_t, std::shared_ptr<ClientInfo>> clients_ GUARDED_BY(mutex_);
  std::unordered_set<uint64_t> expected_ GUARDED_BY(mutex_);
  const std::shared_ptr<std::atomic<size_t>> held_ = std::make_shared<std::atomic<size_t>>(0);
};

}  // namespace vigil::engine
