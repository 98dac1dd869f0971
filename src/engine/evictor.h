// One worker's part in keeping memory below maxmemory: evicts before a command takes its locks, for a bounded time, and
// goes on between commands where that was not enough.
//
//   relieve() -> over the limit? -> sample a shard into the pool, evict the pool's best, each under that one shard's
//                                   lock, again and again -> enough | the time is over: step() goes on | nothing left
//
// Workers evict side by side and each has a pool of its own; as every one takes random shards and never waits for a
// lock, they do not pile up. On the worker's loop only.
#pragma once

#include <cstdint>

#include "base/memory.h"
#include "base/ports/clock.h"
#include "engine/memory_limit.h"
#include "keyspace/eviction.h"

namespace vigil::engine {

class Engine;
class Worker;

class Evictor {
 public:
  enum class Relief : uint8_t {
    kEnough,       // memory is below the limit, or there is none, or this is no time to evict
    kGoesOn,       // not yet, but there is more to evict
    kNothingLeft,  // over the limit: what needs more memory is to be refused
  };

  Evictor(Engine& engine, Worker& worker);

  // Before a command, inside the world, no shard held.
  Relief relieve() {
    const auto limit = static_cast<int64_t>(options_.limit.load(std::memory_order_relaxed));
    if (limit == 0) [[likely]]
      return Relief::kEnough;
    if (threadMemory() < lookAgainAt_ && limit == knownLimit_) [[likely]]
      return Relief::kEnough;
    return look(limit);
  }

  // Look at everything anew, and evict between commands if need be: options changed, or some time has passed.
  void startOver();
  bool pending() const { return pending_; }
  // Between commands, outside of the world. True if there is more to do at once.
  bool step();

 private:
  Relief look(int64_t limit);
  Relief evict(int64_t limit, int64_t excess);
  bool mayEvict() const;
  bool evictOne(const keyspace::EvictionSampling& how);
  void evictRandom(size_t shard, const keyspace::EvictionSampling& how);
  void fillPool(size_t shard, const keyspace::EvictionSampling& how);
  void evictBest(const keyspace::EvictionSampling& how);
  void evictHere(size_t shard, const keyspace::EvictionCandidate& candidate);
  size_t pickShard(keyspace::EvictionPolicy policy);
  uint64_t random();

  Engine& engine_;
  Worker& worker_;
  const MemoryOptions& options_;
  keyspace::EvictionPool pool_;
  keyspace::EvictionPolicy poolPolicy_ = keyspace::EvictionPolicy::kNoEviction;
  uint64_t randomState_;
  // There was room: look again when this thread has taken its share of it.
  int64_t lookAgainAt_ = 0;
  int64_t knownLimit_ = 0;  // at that time
  int64_t freed_ = 0;       // by the evictions of one call
  bool pending_ = false;    // step() has something to do
};

}  // namespace vigil::engine
