#include "drivers/replication/replication_options.h"

#include <climits>

#include "base/config.h"

namespace vigil::drivers {

replication::MasterOptions ReplicationOptions::masterOptions() const {
  return {.diskless = diskless.load(),
          .disklessDelaySeconds = disklessDelay.load(),
          .disklessMaxReplicas = disklessMaxReplicas.load(),
          .timeoutSeconds = timeout.load(),
          .pingSeconds = pingPeriod.load(),
          .backlogTtlSeconds = backlogTtl.load(),
          .minReplicas = minReplicas.load(),
          .minReplicasMaxLagSeconds = minReplicasMaxLag.load()};
}

replication::LinkOptions ReplicationOptions::linkOptions() const {
  int64_t port = announcePort.load();
  if (port == 0 && tls.load()) port = tlsListeningPort.load();
  return {.user = masterUser.load(),
          .password = masterPassword.load(),
          .announceAddress = announceAddress.load(),
          .announcePort = static_cast<uint16_t>(port != 0 ? port : listeningPort.load()),
          .timeoutSeconds = timeout.load(),
          .refuseEmptyMaster = refuseEmptyMaster.load()};
}

void registerOptions(ConfigRegistry& registry, ReplicationOptions& options) {
  auto follow = [&options] {
    if (options.changed) options.changed();
    return Status();
  };
  registry.add({.name = "replicaof", .alias = "slaveof", .immutable = true}, masterAddressOption(options.master));
  registry.add({.name = "masteruser", .sensitive = true}, stringOption(options.masterUser));
  registry.add({.name = "masterauth", .sensitive = true}, stringOption(options.masterPassword));
  registry.add({.name = "replica-read-only", .alias = "slave-read-only", .apply = follow},
               boolOption(options.readOnly));
  registry.add({.name = "replica-serve-stale-data", .alias = "slave-serve-stale-data", .apply = follow},
               boolOption(options.serveStaleData));
  registry.add({.name = "replica-priority", .alias = "slave-priority"}, integerOption(options.priority, {0, INT_MAX}));
  registry.add({.name = "replica-announced"}, boolOption(options.announced));
  registry.add({.name = "replica-announce-ip", .alias = "slave-announce-ip"}, stringOption(options.announceAddress));
  registry.add({.name = "replica-announce-port", .alias = "slave-announce-port"},
               integerOption(options.announcePort, {0, 65535}));
  registry.add({.name = "repl-diskless-sync"}, boolOption(options.diskless));
  registry.add({.name = "repl-diskless-sync-delay"}, integerOption(options.disklessDelay, {0, INT_MAX}));
  registry.add({.name = "repl-diskless-sync-max-replicas"}, integerOption(options.disklessMaxReplicas, {0, INT_MAX}));
  registry.add({.name = "repl-backlog-size",
                .apply =
                    [&options, follow] {
                      constexpr int64_t kLeastBacklog = 16 * 1024;  // that CONFIG SET leaves
                      if (options.backlogSize.load() < kLeastBacklog) options.backlogSize.store(kLeastBacklog);
                      return follow();
                    }},
               memoryOption(options.backlogSize, 1));
  registry.add({.name = "repl-backlog-ttl"}, integerOption(options.backlogTtl, {0, INT64_MAX}));
  registry.add({.name = "shutdown-timeout"}, integerOption(options.shutdownTimeout, {0, INT_MAX}));
  registry.add({.name = "repl-spill-max-size", .apply = follow}, memoryOption(options.spillSize));
  registry.add({.name = "repl-timeout"}, integerOption(options.timeout, {1, INT_MAX}));
  registry.add({.name = "repl-ping-replica-period", .alias = "repl-ping-slave-period"},
               integerOption(options.pingPeriod, {1, INT_MAX}));
  registry.add({.name = "repl-disable-tcp-nodelay"}, boolOption(options.disableNoDelay));
  registry.add({.name = "propagation-error-behavior"},
               enumOption(options.propagationErrors, {{"ignore", 0}, {"panic", 1}, {"panic-on-replicas", 2}}));
  registry.add({.name = "replica-refuse-empty-master"}, boolOption(options.refuseEmptyMaster));
  registry.add({.name = "tls-replication",
                .apply = [&options] { return options.tlsChanged ? options.tlsChanged() : Status(); }},
               boolOption(options.tls));
  registry.add({.name = "min-replicas-to-write", .alias = "min-slaves-to-write", .apply = follow},
               integerOption(options.minReplicas, {0, INT_MAX}));
  registry.add({.name = "min-replicas-max-lag", .alias = "min-slaves-max-lag", .apply = follow},
               integerOption(options.minReplicasMaxLag, {0, INT_MAX}));
}

}  // namespace vigil::drivers
