#include "engine/memory_limit.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <string>
#include <vector>

#include "base/config.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

void MemoryOptions::addTo(ConfigRegistry& registry) {
  auto apply = [this] {
    if (changed) changed();
    return Status();
  };
  std::vector<EnumName> policies;
  for (std::string_view name : keyspace::kEvictionPolicyNames) {
    policies.push_back({std::string(name), static_cast<int>(policies.size())});
  }
  registry.add({.name = "maxmemory",
                .apply =
                    [this] {
                      if (limitChanged) limitChanged();
                      return Status();
                    }},
               memoryOption(limit));
  registry.add({.name = "maxmemory-policy", .apply = apply}, enumOption(policy, policies));
  registry.add({.name = "maxmemory-samples"}, integerOption(samples, {1, INT_MAX}));
  registry.add({.name = "maxmemory-eviction-tenacity"}, integerOption(tenacity, {0, 100}));
  registry.add({.name = "lfu-log-factor", .apply = apply}, integerOption(lfuLogFactor, {0, INT_MAX}));
  registry.add({.name = "lfu-decay-time", .apply = apply}, integerOption(lfuDecayMinutes, {0, INT_MAX}));
  registry.add({.name = "replica-ignore-maxmemory", .alias = "slave-ignore-maxmemory"}, boolOption(replicaIgnores));
  registry.add({.name = "lazyfree-lazy-eviction"}, boolOption(lazyEviction));
}

keyspace::AccessPolicy MemoryOptions::accessPolicy() const {
  return {.lfu = keyspace::isLfu(policy.load()) ? 1u : 0u,
          .lfuLogFactor = static_cast<uint32_t>(lfuLogFactor.load()) & 0x7fffffff,
          .lfuDecayMinutes = static_cast<uint32_t>(lfuDecayMinutes.load())};
}

int64_t MemoryOptions::timeLimitUs() const {
  constexpr int64_t kLinear = 10;  // up to here 50 microseconds for each point
  const int64_t points = tenacity.load(std::memory_order_relaxed);
  if (points <= kLinear) return 50 * points;
  if (points >= 100) return -1;
  return static_cast<int64_t>(500 * std::pow(1.15, static_cast<double>(points - kLinear)));  // to about two minutes
}

int64_t MemoryLimit::notCounted() const {
  oplog::Log& log = engine_.log();
  if (!log.active()) return 0;
  // With replicas the backlog counts, as it is memory that somebody asked for; what the AOF and slow replicas have not
  // read does not.
  const auto backlog = static_cast<int64_t>(log.needed(oplog::Log::Reason::kReplication) ? log.backlogSize() : 0);
  return std::max<int64_t>(0, static_cast<int64_t>(log.memory()) - backlog);
}

int64_t MemoryLimit::excess(int64_t limit) const {
  // What the background is about to free counts as freed, but only so much of it that memory stays within bounds where
  // it cannot keep up.
  const int64_t leaving = std::min(engine_.reaperBytes(), limit / 64);
  const int64_t over = usedMemory() - leaving - limit;
  return over <= 0 ? over : over - notCounted();
}

int64_t MemoryLimit::slack(int64_t limit) {
  constexpr int64_t kMost = 256 << 10;
  return std::min(limit / 1024, kMost);
}

void MemoryLimit::limitChanged() {
  const uint64_t limit = engine_.options().memory.limit.load();
  const auto used = static_cast<uint64_t>(std::max<int64_t>(0, usedMemory()));
  if (limit != 0 && limit < used) {
    engine_.logger().warning("WARNING: the new maxmemory value set via CONFIG SET (" + std::to_string(limit) +
                             ") is smaller than the current memory usage (" + std::to_string(used) +
                             "). This will result in key eviction and/or the inability to accept new write commands "
                             "depending on the maxmemory-policy.");
  }
  optionsChanged();
}

void MemoryLimit::optionsChanged() {
  engine_.keyspace().setAccessPolicy(engine_.options().memory.accessPolicy());
  for (size_t i = 0; i < engine_.workerCount(); ++i) {
    Worker& worker = engine_.worker(i);
    worker.loop().post([&worker] { worker.evictor().startOver(); });
  }
}

void MemoryLimit::exceeded() {
  MonoUs none = 0;
  if (since_.load(std::memory_order_relaxed) != none) return;
  since_.compare_exchange_strong(none, engine_.system().clock.mono(), std::memory_order_relaxed);
}

void MemoryLimit::endExceeded() {
  const MonoUs since = since_.exchange(0, std::memory_order_relaxed);
  if (since == 0) return;
  totalUs_.fetch_add(std::max<int64_t>(0, engine_.system().clock.mono() - since), std::memory_order_relaxed);
}

int64_t MemoryLimit::exceededNowUs() const {
  const MonoUs since = since_.load(std::memory_order_relaxed);
  return since == 0 ? 0 : std::max<int64_t>(0, engine_.system().clock.mono() - since);
}

int64_t MemoryLimit::exceededTotalUs() const { return totalUs_.load(std::memory_order_relaxed) + exceededNowUs(); }

}  // namespace vigil::engine
