// maxmemory-clients: what all clients take together, and which of them go when that is too much: the largest first.
//
//   a client's worker: account() where its memory changed;  enforce() at the end of a turn
//        -> over the limit? -> marks the largest clients, of any worker -> each one's worker closes it
//
// Replicas, the master and clients with CLIENT NO-EVICT neither count nor go. While there is no limit nothing is counted.
// Thread safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/mutex.h"

namespace vigil::engine {

class Engine;
struct ClientInfo;

class ClientEviction {
 public:
  explicit ClientEviction(Engine& engine) : engine_(engine) {}

  // Bytes; 0: none. Never so little that no client could ask for anything.
  int64_t limit() const;
  // The client's memory as of now. By its worker.
  void account(ClientInfo& client);
  // The client is gone. By its worker.
  void forget(ClientInfo& client);
  // By any worker, holding nothing.
  void enforce() {
    const int64_t most = limit();
    if (most != 0 && total_.load(std::memory_order_relaxed) > most) [[unlikely]]
      evict(most);
  }
  // The options have changed: what was not counted until now is.
  void limitChanged();

 private:
  void evict(int64_t most);
  void close(const std::shared_ptr<ClientInfo>& client);

  Engine& engine_;
  std::atomic<int64_t> total_{0};
  Mutex evicting_;  // one at a time looks for victims
};

}  // namespace vigil::engine
