// The options of replication. Any thread reads them; a change counts from the next step on.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/config_specials.h"
#include "base/result.h"
#include "base/shared_value.h"
#include "replication/master_side.h"
#include "replication/replica_link.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::drivers {

enum class PropagationErrors { kIgnore, kPanic, kPanicOnReplicas };

struct ReplicationOptions {
  Shared<MasterAddress> master;  // replicaof: as the file says, then as REPLICAOF changed it
  SharedString masterUser;
  SharedString masterPassword;
  std::atomic<bool> readOnly{true};
  std::atomic<bool> serveStaleData{true};
  std::atomic<int64_t> priority{100};
  std::atomic<bool> announced{true};
  SharedString announceAddress;
  std::atomic<int64_t> announcePort{0};
  std::atomic<bool> diskless{true};
  std::atomic<int64_t> disklessDelay{5};
  std::atomic<int64_t> disklessMaxReplicas{0};
  std::atomic<int64_t> backlogSize{1 << 20};
  std::atomic<int64_t> backlogTtl{3600};
  std::atomic<int64_t> spillSize{int64_t{4} << 30};  // repl-spill-max-size, our own
  std::atomic<int64_t> timeout{60};
  std::atomic<int64_t> shutdownTimeout{10};  // seconds that a stop waits for replicas
  std::atomic<int64_t> pingPeriod{10};
  std::atomic<bool> disableNoDelay{false};
  std::atomic<bool> tls{false};  // towards our master, and what port we name to it
  std::atomic<int64_t> minReplicas{0};
  std::atomic<int64_t> minReplicasMaxLag{10};
  std::atomic<PropagationErrors> propagationErrors{PropagationErrors::kIgnore};
  std::atomic<bool> refuseEmptyMaster{true};  // replica-refuse-empty-master, our own

  // No options: the ports on which this node takes clients, set by the server.
  std::atomic<int64_t> listeningPort{0};
  std::atomic<int64_t> tlsListeningPort{0};
  std::function<void()> changed;       // a running node follows; set by whoever runs it
  std::function<Status()> tlsChanged;  // likewise for tls-replication

  replication::MasterOptions masterOptions() const;
  replication::LinkOptions linkOptions() const;
};

void registerOptions(ConfigRegistry& registry, ReplicationOptions& options);

}  // namespace vigil::drivers
