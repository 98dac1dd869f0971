// What others have for a worker's clients: messages, invalidations, MONITOR's lines. Any thread puts them in, holding
// whatever locks it holds; the worker takes them out at its turn, in the order in which they came.
//
// Thread safe; its lock is a leaf.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "engine/message.h"
#include "oplog/log.h"

namespace vigil::engine {

struct ClientInfo;

class Inbox {
 public:
  struct Entry {
    std::shared_ptr<ClientInfo> to;
    Message message;
    oplog::Offset depends = 0;  // sent when the commit point has passed it; 0: nothing to wait for
  };

  // True if it was empty: the worker may have to be woken.
  bool put(Entry entry) {
    MutexLock guard(mutex_);
    entries_.push_back(std::move(entry));
    return !pending_.exchange(true, std::memory_order_relaxed);
  }
  // A hint, exact for what happened before in the order of some lock that both sides took.
  bool pending() const { return pending_.load(std::memory_order_relaxed); }
  // All there is, in place of `into`, which must be empty: its memory is used again.
  void take(std::vector<Entry>& into) {
    MutexLock guard(mutex_);
    entries_.swap(into);
    pending_.store(false, std::memory_order_relaxed);
  }

 private:
  std::atomic<bool> pending_{false};
  Mutex mutex_;
  std::vector<Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace vigil::engine
