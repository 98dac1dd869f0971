// One connection of the cluster bus, in either direction: cuts what it reads into packets, and keeps what the socket does
// not take at once. On the control thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/ports/clock.h"
#include "base/ports/stream.h"
#include "base/result.h"
#include "cluster/effect.h"
#include "wire/cluster_bus.h"

namespace vigil::drivers {

class BusLink final : public StreamHandler {
 public:
  // Hears of what happens. May not destroy the link during a call: Bus does it in a later task.
  struct Owner {
    virtual ~Owner() = default;
    virtual void linkConnected(BusLink& link) = 0;
    virtual void linkPacket(BusLink& link, wire::BusMessage message) = 0;
    virtual void linkMalformed(BusLink& link, const std::string& why) = 0;
    virtual void linkClosed(BusLink& link, bool refused) = 0;
  };

  BusLink(EventLoop& loop, Owner& owner, cluster::LinkId id, std::unique_ptr<Stream> stream, MonoUs now);

  void send(std::shared_ptr<const std::string> packet);
  void end() { ended_ = true; }  // nothing more is read or told

  cluster::LinkId id() const { return id_; }
  bool inbound() const { return (id_ & cluster::kInbound) != 0; }
  const Stream& stream() const { return *stream_; }
  size_t pending() const { return pending_; }  // bytes that wait to be sent
  size_t memory() const { return sizeof *this + input_.capacity() + pending_; }
  MonoUs created() const { return created_; }

  void onReadable() override;
  void onWritable() override;

 private:
  void takePackets();
  void flush();
  void fail(bool refused);

  Owner& owner_;
  const cluster::LinkId id_;
  std::unique_ptr<Stream> stream_;
  const MonoUs created_;
  bool connecting_;
  bool ended_ = false;
  std::string input_;
  std::deque<std::shared_ptr<const std::string>> output_;
  size_t sent_ = 0;  // of the first of them
  size_t pending_ = 0;
};

}  // namespace vigil::drivers
