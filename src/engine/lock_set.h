// The locks under which a unit runs: the world exclusively, or some shards.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/thread_annotations.h"
#include "keyspace/keyspace.h"

namespace vigil::engine {

// Not annotated for the thread-safety analysis: the set of locks is known only at run time. This is the one place.
class LockSet {
 public:
  explicit LockSet(keyspace::Keyspace& keyspace) : keyspace_(keyspace) {}

  bool world() const { return world_; }
  void setWorld(bool world) { world_ = world; }
  bool holds(size_t shard) const {
    return world_ || std::find(held_.begin(), held_.end(), static_cast<uint32_t>(shard)) != held_.end();
  }
  const std::vector<uint32_t>& held() const { return held_; }

  // Takes one more shard, out of order, and never waits.
  bool tryAdd(size_t shard) NO_THREAD_SAFETY_ANALYSIS {
    if (holds(shard)) return true;
    if (!keyspace_.shard(shard).lock.tryLock()) return false;
    held_.push_back(static_cast<uint32_t>(shard));
    return true;
  }
  // Takes one shard while holding none.
  bool acquireOne(uint32_t shard) NO_THREAD_SAFETY_ANALYSIS {
    auto& lock = keyspace_.shard(shard).lock;
    if (!lock.tryLock() && !lock.trySpin()) [[unlikely]]
      return false;
    held_.push_back(shard);
    return true;
  }
  // Takes `shards` (sorted, unique) in ascending order; on failure holds nothing and `busy` names the one in the way.
  bool acquire(const std::vector<uint32_t>& shards, uint32_t& busy) NO_THREAD_SAFETY_ANALYSIS {
    for (uint32_t shard : shards) {
      auto& lock = keyspace_.shard(shard).lock;
      if (!lock.tryLock() && !lock.trySpin()) {
        busy = shard;
        release();
        return false;
      }
      held_.push_back(shard);
    }
    return true;
  }
  void release() NO_THREAD_SAFETY_ANALYSIS {
    while (!held_.empty()) {
      keyspace_.shard(held_.back()).lock.unlock();
      held_.pop_back();
    }
  }

 private:
  keyspace::Keyspace& keyspace_;
  bool world_ = false;
  std::vector<uint32_t> held_;  // in the order in which they were taken
};

}  // namespace vigil::engine
