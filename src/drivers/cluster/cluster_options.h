// The options of a node in a cluster. Any thread reads them; a change counts from the next step on.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/config_specials.h"
#include "base/ports/event_loop.h"
#include "base/result.h"
#include "base/shared_value.h"
#include "cluster/options.h"
#include "cluster/routing.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::drivers {

struct ClusterOptions {
  std::atomic<bool> enabled{false};
  SharedString configFile{"nodes.conf"};
  std::atomic<int64_t> port{0};  // cluster-port; 0: the port for clients and 10000
  std::atomic<int64_t> nodeTimeoutMs{15000};
  std::atomic<int64_t> refusedTimeoutMs{0};  // cluster-refused-timeout, our own
  std::atomic<int64_t> migrationBarrier{1};
  std::atomic<int64_t> validityFactor{10};
  std::atomic<bool> noFailover{false};
  std::atomic<bool> requireFullCoverage{true};
  std::atomic<bool> readsWhenDown{false};
  std::atomic<bool> pubsubWhenDown{true};
  std::atomic<bool> replicaMigration{true};
  std::atomic<int64_t> sendBufferLimit{0};
  SharedString announceAddress;
  SharedString announceHostName;
  SharedString announceHumanName;
  std::atomic<int64_t> announcePort{0};
  std::atomic<int64_t> announceBusPort{0};
  std::atomic<int64_t> announceTlsPort{0};
  std::atomic<cluster::EndpointType> endpointType{cluster::EndpointType::kAddress};
  std::atomic<bool> tls{false};  // tls-cluster

  // No options: where this node takes clients, set by the server.
  std::atomic<int64_t> listeningPort{0};
  std::atomic<int64_t> tlsListeningPort{0};
  Shared<AddressList> bind{AddressList{"*", "-::*"}};
  std::function<void()> changed;       // a running node follows; set by whoever runs it
  std::function<void(Task)> settle;    // calls back when it has; likewise
  std::function<Status()> tlsChanged;  // likewise for tls-cluster

  Status checkPorts() const;  // whether there is such a port
  uint16_t busPort() const;   // where it listens
  cluster::Options coreOptions(int64_t replicaPingSeconds) const;
  cluster::RoutingOptions routingOptions() const;

 private:
  int64_t defaultBusPort() const;
};

void registerOptions(ConfigRegistry& registry, ClusterOptions& options);

}  // namespace vigil::drivers
