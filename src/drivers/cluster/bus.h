// The cluster bus of a node: listens, connects, and hands packets on. On the control thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log_line.h"
#include "base/ports/event_loop.h"
#include "base/ports/stream.h"
#include "cluster/cluster.h"
#include "drivers/cluster/bus_link.h"
#include "drivers/cluster/cluster_options.h"

namespace vigil::drivers {

class Bus final : public BusLink::Owner {
 public:
  using Events = std::function<void(cluster::Event)>;

  Bus(Network& network, EventLoop& loop, Logger& logger, const ClusterOptions& options, Events events)
      : network_(network), loop_(loop), logger_(logger), options_(options), events_(std::move(events)) {}

  Status listen();  // before the loops run; the error is for the log
  void stop();      // the loops have stopped
  // Where connections go out from; changed for a while by DEBUG.
  void setConnectOptions(ConnectOptions how) { how_ = std::move(how); }

  void connect(cluster::LinkId link, const std::string& address, uint16_t port);
  void send(cluster::LinkId link, const std::shared_ptr<const std::string>& packet);
  void close(cluster::LinkId link);
  void cut(cluster::LinkId link);  // as if the network had ended it

  struct LinkFacts {
    cluster::LinkId id;
    MonoUs created;
    size_t pending;
    size_t memory;
  };
  std::vector<LinkFacts> links() const;
  // Any thread: packets that were none, and links that took too much memory.
  uint64_t malformed() const { return malformed_.load(std::memory_order_relaxed); }
  uint64_t overLimit() const { return overLimit_.load(std::memory_order_relaxed); }

  // DEBUG DROP-CLUSTER-PACKET-FILTER: packets of this type are not heard; -1: all are.
  void dropPackets(int type) { droppedType_ = type; }

 private:
  void accept(std::unique_ptr<Stream> stream);
  void linkConnected(BusLink& link) override;
  void linkPacket(BusLink& link, wire::BusMessage message) override;
  void linkMalformed(BusLink& link, const std::string& why) override;
  void linkClosed(BusLink& link, bool refused) override;
  void forget(cluster::LinkId link);

  Network& network_;
  EventLoop& loop_;
  Logger& logger_;
  const ClusterOptions& options_;
  const Events events_;
  ConnectOptions how_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::map<cluster::LinkId, std::unique_ptr<BusLink>> links_;
  cluster::LinkId lastInbound_ = 0;
  std::atomic<uint64_t> malformed_{0};
  std::atomic<uint64_t> overLimit_{0};
  int droppedType_ = -1;
};

}  // namespace vigil::drivers
