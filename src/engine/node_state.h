// What the rest of the node tells the engine about itself, read before every command. Relaxed atomics; the setters are
// the drivers that own each fact.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <system_error>

namespace vigil::engine {

struct NodeState {
  std::atomic<bool> replica{false};            // set with the world held
  std::atomic<bool> replicaReadOnly{true};     // replica-read-only
  std::atomic<bool> masterLinkUp{false};       // only for a replica
  std::atomic<bool> serveStaleData{true};      // replica-serve-stale-data
  std::atomic<bool> loading{false};            // a data set is being loaded: only commands with kLoading
  std::atomic<bool> saveFailed{false};         // stop-writes-on-bgsave-error applies
  std::atomic<int> aofError{0};                // errno with which the AOF cannot be written, 0: it can
  std::atomic<bool> aofErrorHidesUnsafe{false};  // then: what reads that depend on unsafe writes show (appendfsync always)
  std::atomic<int> snapshotBacklog{0};         // snapshots, or the AOF, that cannot keep up: writers are parked
  std::atomic<bool> notEnoughReplicas{false};  // min-replicas-to-write applies
  std::atomic<uint32_t> replicas{0};           // that have asked for the log
  std::atomic<int64_t> clusterLinks{0};        // connections of the cluster bus, in both directions
  std::atomic<int64_t> clusterLinkMemory{0};   // that they take, in bytes
  std::atomic<int64_t> replicationInput{0};    // bytes ever read of masters' streams
  std::atomic<int64_t> replicationOutput{0};   // bytes ever written to replicas
  std::atomic<int64_t> migrateSockets{0};      // connections to other nodes that MIGRATE keeps open
};

// What writers are told while the AOF cannot be written.
inline std::string aofErrorText(int error) {
  return "MISCONF Errors writing to the AOF file: " + std::generic_category().message(error);
}

}  // namespace vigil::engine
