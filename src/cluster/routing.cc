#include "cluster/routing.h"

#include <map>

namespace vigil::cluster {

std::string endpointOf(const Node& node, EndpointType type) {
  switch (type) {
    case EndpointType::kAddress:
      return node.address;
    case EndpointType::kHostName:
      return node.hostName.empty() ? "?" : node.hostName;
    case EndpointType::kUnknown:
      return {};
  }
  return {};
}

uint16_t portOf(const Node& node, bool tlsPorts, bool tlsClient) {
  return tlsPorts && !tlsClient && node.plainPort != 0 ? node.plainPort : node.port;
}

std::shared_ptr<const Routing> routingOf(const State& state, const RoutingOptions& options) {
  auto routing = std::make_shared<Routing>();
  routing->up = state.up;
  routing->readsWhenDown = options.readsWhenDown;
  routing->pubsubWhenDown = options.pubsubWhenDown;
  std::map<const Node*, uint16_t> places;
  auto place = [&](const Node& node) {
    const auto [at, added] = places.try_emplace(&node, static_cast<uint16_t>(routing->targets.size()));
    if (added) {
      routing->targets.push_back({endpointOf(node, options.endpoint), portOf(node, options.tlsPorts, false),
                                  portOf(node, options.tlsPorts, true)});
    }
    return at->second;
  };
  const Node& me = state.myself();
  place(me);
  if (me.master != nullptr) routing->master = place(*me.master);
  for (size_t slot = 0; slot < kSlotCount; ++slot) {
    const Node* owner = state.owner(slot);
    routing->owner[slot] = owner == nullptr ? Routing::kNobody : place(*owner);
    if (owner == &me) routing->settled.set(slot);
  }
  routing->movingTo.fill(Routing::kNobody);
  for (const auto& [slot, target] : state.migrating) {
    routing->movingTo[slot] = place(*target);
    routing->settled.reset(slot);
  }
  for (const auto& [slot, source] : state.importing) {
    routing->importing.set(slot);
    routing->settled.reset(slot);
  }
  routing->held = state.held;
  routing->holds = !state.held.empty();
  state.held.forEach([&](uint16_t slot) { routing->settled.reset(slot); });
  return routing;
}

}  // namespace vigil::cluster
