// What the rest of the node tells the engine about itself, read before every command. Relaxed atomics; the setters are
// the drivers that own each fact.
#pragma once

#include <atomic>
#include <cstdint>

namespace vigil::engine {

struct NodeState {
  std::atomic<bool> replica{false};            // set with the world held
  std::atomic<bool> replicaReadOnly{true};     // replica-read-only
  std::atomic<bool> masterLinkUp{false};       // only for a replica
  std::atomic<bool> serveStaleData{true};      // replica-serve-stale-data
  std::atomic<bool> loading{false};            // a data set is being loaded: only commands with kLoading
  std::atomic<bool> saveFailed{false};         // stop-writes-on-bgsave-error applies
  std::atomic<bool> aofFailed{false};          // the AOF cannot be written
  std::atomic<int> snapshotBacklog{0};         // snapshots that cannot keep up with writers: these are parked
  std::atomic<bool> notEnoughReplicas{false};  // min-replicas-to-write applies
};

}  // namespace vigil::engine
