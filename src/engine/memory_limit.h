// maxmemory: how much of the memory in use counts against it, and for how long it was exceeded. What is done about it
// is each worker's Evictor's.
//
// Thread safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/ports/clock.h"
#include "keyspace/access_clock.h"
#include "keyspace/eviction.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::engine {

class Engine;

// What CONFIG sets.
struct MemoryOptions {
  std::atomic<uint64_t> limit{0};  // maxmemory; 0: none
  std::atomic<keyspace::EvictionPolicy> policy{keyspace::EvictionPolicy::kNoEviction};
  std::atomic<int64_t> samples{5};          // maxmemory-samples
  std::atomic<int64_t> tenacity{10};        // maxmemory-eviction-tenacity
  std::atomic<int64_t> lfuLogFactor{10};    // lfu-log-factor
  std::atomic<int64_t> lfuDecayMinutes{1};  // lfu-decay-time
  std::atomic<bool> replicaIgnores{true};   // replica-ignore-maxmemory
  std::atomic<bool> lazyEviction{false};    // lazyfree-lazy-eviction
  // Set up by the engine: CONFIG SET has changed the limit, or what follows the policy.
  std::function<void()> limitChanged;
  std::function<void()> changed;

  void addTo(ConfigRegistry& registry);
  keyspace::AccessPolicy accessPolicy() const;
  // How long one command may evict, microseconds; negative: for ever.
  int64_t timeLimitUs() const;
};

class MemoryLimit {
 public:
  explicit MemoryLimit(Engine& engine) : engine_(engine) {}

  // Bytes of the log and of replicas' output that eviction could not reduce, but would add to.
  int64_t notCounted() const;
  // By how much the limit is exceeded; below zero: what is left. There is a limit.
  int64_t excess(int64_t limit) const;
  // How much less than the limit eviction leaves, so that not every command has to look at the sum over all threads.
  static int64_t slack(int64_t limit);

  // What entries note of their use follows the options, and workers look at memory anew.
  void optionsChanged();
  // The same, with a warning where the new limit is too small for what there is.
  void limitChanged();

  // Where eviction fell behind, and where it caught up.
  void exceeded();
  void relieved() {
    if (since_.load(std::memory_order_relaxed) != 0) [[unlikely]]
      endExceeded();
  }
  int64_t exceededNowUs() const;
  int64_t exceededTotalUs() const;  // since the start, with what goes on now

 private:
  void endExceeded();

  Engine& engine_;
  std::atomic<MonoUs> since_{0};  // 0: it is not exceeded
  std::atomic<int64_t> totalUs_{0};
};

}  // namespace vigil::engine
