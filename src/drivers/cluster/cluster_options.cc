#include "drivers/cluster/cluster_options.h"

#include <climits>
#include <string>
#include <utility>

#include "base/config.h"

namespace vigil::drivers {

namespace {

constexpr int64_t kBusOffset = 10000;

}  // namespace

int64_t ClusterOptions::defaultBusPort() const {
  const int64_t clients = tls.load() && tlsListeningPort.load() != 0 ? tlsListeningPort.load() : listeningPort.load();
  return clients + kBusOffset;
}

Status ClusterOptions::checkPorts() const {
  if (port.load() != 0 || defaultBusPort() <= UINT16_MAX) return {};
  return fail(
      "Redis port number too high. Cluster communication port is 10,000 port numbers higher than your Redis port. Your "
      "Redis port number must be 55535 or less.");
}

uint16_t ClusterOptions::busPort() const {
  return static_cast<uint16_t>(port.load() != 0 ? port.load() : defaultBusPort());
}

cluster::Options ClusterOptions::coreOptions(int64_t replicaPingSeconds) const {
  auto first = [](int64_t a, int64_t b) { return static_cast<uint16_t>(a != 0 ? a : b); };
  const uint16_t plain = first(announcePort.load(), listeningPort.load());
  const uint16_t secure = first(announceTlsPort.load(), tlsListeningPort.load());
  const bool useTls = tls.load() && secure != 0;
  return {.nodeTimeout = nodeTimeoutMs.load() * 1000,
          .refusedTimeout = refusedTimeoutMs.load() * 1000,
          .migrationBarrier = migrationBarrier.load(),
          .replicaValidityFactor = validityFactor.load(),
          .replicaNoFailover = noFailover.load(),
          .requireFullCoverage = requireFullCoverage.load(),
          .allowReplicaMigration = replicaMigration.load(),
          .replicaPingPeriod = replicaPingSeconds * 1'000'000,
          .address = announceAddress.load(),
          .port = useTls ? secure : plain,
          .plainPort = useTls ? plain : uint16_t{0},
          .busPort = first(announceBusPort.load(), busPort()),
          .hostName = announceHostName.load(),
          .humanName = announceHumanName.load()};
}

cluster::RoutingOptions ClusterOptions::routingOptions() const {
  return {.endpoint = endpointType.load(),
          .tlsPorts = tls.load(),
          .readsWhenDown = readsWhenDown.load(),
          .pubsubWhenDown = pubsubWhenDown.load()};
}

void registerOptions(ConfigRegistry& registry, ClusterOptions& options) {
  auto follow = [&options] {
    if (options.changed) options.changed();
    return Status();
  };
  auto settle = [&options](Task done) { options.settle ? options.settle(std::move(done)) : done(); };
  auto followed = [&](std::string name, std::string alias = {}) {
    return OptionRow{.name = std::move(name), .alias = std::move(alias), .apply = follow, .settle = settle};
  };
  registry.add({.name = "cluster-enabled", .immutable = true}, boolOption(options.enabled));
  registry.add({.name = "cluster-config-file", .immutable = true}, stringOption(options.configFile));
  registry.add({.name = "cluster-port", .immutable = true}, integerOption(options.port, {0, 65535}));
  registry.add(followed("cluster-node-timeout"), integerOption(options.nodeTimeoutMs, {0, LONG_MAX / 10'000}));
  registry.add(followed("cluster-refused-timeout"),
               integerOption(options.refusedTimeoutMs, {0, LONG_MAX / 10'000}));
  registry.add({.name = "cluster-migration-barrier"}, integerOption(options.migrationBarrier, {0, INT_MAX}));
  registry.add({.name = "cluster-replica-validity-factor", .alias = "cluster-slave-validity-factor"},
               integerOption(options.validityFactor, {0, INT_MAX}));
  registry.add(followed("cluster-replica-no-failover", "cluster-slave-no-failover"),
               boolOption(options.noFailover));
  registry.add(followed("cluster-require-full-coverage"), boolOption(options.requireFullCoverage));
  registry.add(followed("cluster-allow-reads-when-down"), boolOption(options.readsWhenDown));
  registry.add(followed("cluster-allow-pubsubshard-when-down"), boolOption(options.pubsubWhenDown));
  registry.add({.name = "cluster-allow-replica-migration"}, boolOption(options.replicaMigration));
  registry.add({.name = "cluster-link-sendbuf-limit"}, memoryOption(options.sendBufferLimit));
  registry.add(followed("cluster-announce-ip"), stringOption(options.announceAddress));
  registry.add(followed("cluster-announce-hostname"),
               stringOption(options.announceHostName, validateHostName));
  registry.add(followed("cluster-announce-human-nodename"), stringOption(options.announceHumanName));
  registry.add(followed("cluster-announce-port"), integerOption(options.announcePort, {0, 65535}));
  registry.add(followed("cluster-announce-bus-port"), integerOption(options.announceBusPort, {0, 65535}));
  registry.add(followed("cluster-announce-tls-port"), integerOption(options.announceTlsPort, {0, 65535}));
  registry.add(followed("cluster-preferred-endpoint-type"),
               enumOption(options.endpointType, {{"ip", static_cast<int>(cluster::EndpointType::kAddress)},
                                                 {"hostname", static_cast<int>(cluster::EndpointType::kHostName)},
                                                 {"unknown-endpoint", static_cast<int>(cluster::EndpointType::kUnknown)}}));
  registry.add({.name = "tls-cluster",
                .apply = [&options] { return options.tlsChanged ? options.tlsChanged() : Status(); }},
               boolOption(options.tls));
}

}  // namespace vigil::drivers
