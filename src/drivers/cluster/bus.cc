#include "drivers/cluster/bus.h"

namespace vigil::drivers {

using cluster::Event;
using cluster::LinkId;

Status Bus::listen() {
  const uint16_t port = options_.busPort();
  ListenOptions how;
  if (options_.tls.load()) how.tls.emplace();
  for (const std::string& word : options_.bind.load()) {
    const bool optional = word.starts_with('-');
    std::string address = optional ? word.substr(1) : word;
    if (address == "*") address = "0.0.0.0";
    if (address == "::*") address = "::";
    auto listener = network_.listen(loop_, {address, port}, how,
                                    [this](std::unique_ptr<Stream> stream) { accept(std::move(stream)); });
    if (listener) {
      listeners_.push_back(std::move(*listener));
    } else if (!optional) {
      return fail("Failed listening on port " + std::to_string(port) + " (cluster), aborting: " +
                  listener.error().message);
    }
  }
  return listeners_.empty() ? fail("Failed listening on port " + std::to_string(port) + " (cluster), aborting.")
                            : Status();
}

void Bus::stop() {
  listeners_.clear();
  links_.clear();
}

void Bus::accept(std::unique_ptr<Stream> stream) {
  const LinkId id = ++lastInbound_ | cluster::kInbound;
  links_.emplace(id, std::make_unique<BusLink>(loop_, *this, id, std::move(stream), loop_.now()));
}

void Bus::connect(LinkId link, const std::string& address, uint16_t port) {
  ConnectOptions how = how_;
  how.tls = options_.tls.load();
  links_.emplace(link, std::make_unique<BusLink>(loop_, *this, link, network_.connect({address, port}, how), loop_.now()));
}

void Bus::send(LinkId link, const std::shared_ptr<const std::string>& packet) {
  auto at = links_.find(link);
  if (at == links_.end()) return;
  at->second->send(packet);
  const auto limit = static_cast<size_t>(options_.sendBufferLimit.load(std::memory_order_relaxed));
  if (limit == 0 || at->second->pending() <= limit) return;
  ++overLimit_;
  logger_.warning("Freeing outbound cluster link after exceeding send buffer memory limit.");
  BusLink& slow = *at->second;
  slow.end();
  linkClosed(slow, false);
}

void Bus::close(LinkId link) {
  auto at = links_.find(link);
  if (at == links_.end()) return;
  at->second->end();
  forget(link);
}

void Bus::cut(LinkId link) {
  auto at = links_.find(link);
  if (at == links_.end()) return;
  BusLink& cut = *at->second;
  cut.end();
  linkClosed(cut, false);
}

// It may be the link itself that called us.
void Bus::forget(LinkId link) {
  auto at = links_.find(link);
  if (at == links_.end()) return;
  loop_.post([gone = std::shared_ptr<BusLink>(std::move(at->second))] {});
  links_.erase(at);
}

void Bus::linkConnected(BusLink& link) { events_({.kind = Event::Kind::kConnected, .link = link.id()}); }

void Bus::linkPacket(BusLink& link, wire::BusMessage message) {
  if (droppedType_ >= 0 && static_cast<int>(message.type) == droppedType_) return;
  Event event{.kind = Event::Kind::kPacket, .link = link.id(), .message = std::move(message)};
  event.peerAddress = link.stream().peer().host;
  event.localAddress = link.stream().local().host;
  events_(std::move(event));
}

void Bus::linkMalformed(BusLink& link, const std::string& why) {
  ++malformed_;
  logger_.warning("Bad packet on the cluster bus from " + link.stream().peer().host + ": " + why);
}

void Bus::linkClosed(BusLink& link, bool refused) {
  const LinkId id = link.id();
  forget(id);
  events_({.kind = Event::Kind::kClosed, .link = id, .refused = refused});
}

std::vector<Bus::LinkFacts> Bus::links() const {
  std::vector<LinkFacts> all;
  for (const auto& [id, link] : links_) all.push_back({id, link->created(), link->pending(), link->memory()});
  return all;
}

}  // namespace vigil::drivers
