// Port Network over virtual time: streams between simulated hosts.
//
// A stream is two pipes. Bytes written are in flight until they arrive, then wait in the receiver's buffer; both
// together are bounded, so a slow reader stops its writer. Faults, all drawn from the seed: delay, partial writes,
// arrival cut at any byte, a path that is silent in one direction or both, a connection cut with whatever was in
// flight half delivered, at both ends or (half-open) at one end only, refused connections.
//
//   writer --write()--> [ chunk | chunk | chunk ] --path open--> [ arrived ] --read()--> reader
//                         in flight, each with its time
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ports/stream.h"
#include "sim/sim_loop.h"

namespace vigil::sim {

class SimStream;
class SimListener;

struct NetworkFaults {
  double partialWrite = 0;  // of writes
  double refuse = 0;        // of connection attempts
  SimTime latencyLeast = 30;
  SimTime latencyMost = 2 * kMs;
  double spike = 0;  // of chunks: as late as
  SimTime spikeMost = 300 * kMs;
};

// One connection: side 0 called, side 1 accepted.
struct SimLink {
  struct Chunk {
    SimTime at;
    std::string bytes;
    enum class End : uint8_t { kNone, kFin, kReset } end = End::kNone;
  };
  struct Side {  // and what travels towards it
    std::string host;
    Endpoint address;
    SimStream* stream = nullptr;  // gone: closed, or its process died
    bool gone = false;
    std::deque<Chunk> flight;
    SimTime lastAt = 0;
    std::string arrived;
    size_t read = 0;
    size_t inFlight = 0;
    bool ended = false;  // FIN arrived
    int error = 0;       // errno: the connection broke as this side sees it
    size_t unread() const { return arrived.size() - read; }
  };
  uint64_t number = 0;
  size_t capacity = 0;
  int connectError = 0;  // as Stream::connectError()
  bool severed = false;  // nothing travels any more
  std::array<Side, 2> sides;
};
using LinkPtr = std::shared_ptr<SimLink>;

// All hosts and what connects them.
class SimNetwork {
 public:
  explicit SimNetwork(SimWorld& world) : world_(world) {}

  NetworkFaults faults;
  // Sees what each write puts on its way, if set.
  std::function<void(const SimLink& link, size_t side, std::string_view bytes)> onWrite;

  // --- Faults ---
  void block(const std::string& from, const std::string& to) { blocked_.insert({from, to}); }
  void unblock(const std::string& from, const std::string& to);
  // Cuts every connection between two hosts; half: only one end hears of it.
  void cut(const std::string& a, const std::string& b, bool half);
  // No fault from now on; ends that had not heard that their connection is gone hear it now.
  void heal();

  // --- What ports do ---
  void processDied(SimProcess& process, const std::string& host, Death how);
  LinkPtr makeLink(const std::string& fromHost, const Endpoint& to);
  void attempt(const LinkPtr& link, SimTime since);
  IoResult write(const LinkPtr& link, size_t side, std::span<const std::string_view> pieces);
  IoResult read(const LinkPtr& link, size_t side, std::span<char> into);
  void close(const LinkPtr& link, size_t side);
  bool addListener(const Endpoint& at, SimListener* listener);
  void removeListener(const Endpoint& at) { listeners_.erase({at.host, at.port}); }
  int nextDescriptor() { return ++lastDescriptor_; }

 private:
  void send(const LinkPtr& link, size_t to, std::string bytes, SimLink::Chunk::End end);
  void arrive(const LinkPtr& link, size_t side);
  void reset(const LinkPtr& link, size_t side, int error);
  bool open(const std::string& from, const std::string& to) const { return !blocked_.contains({from, to}); }
  std::vector<LinkPtr> liveLinks();

  SimWorld& world_;
  std::set<std::pair<std::string, std::string>> blocked_;
  std::map<std::pair<std::string, uint16_t>, SimListener*> listeners_;
  std::map<uint64_t, std::weak_ptr<SimLink>> links_;
  uint64_t lastLink_ = 0;
  int lastDescriptor_ = 7;
};

class SimStream final : public Stream, public SimSource {
 public:
  SimStream(SimNetwork& network, ProcessPtr process, LinkPtr link, size_t side);
  ~SimStream() override;

  void attach(EventLoop& loop, StreamHandler& handler) override;
  void detach() override;
  void wantRead(bool wanted) override;
  void wantWrite(bool wanted) override;
  IoResult read(std::span<char> into) override;
  IoResult write(std::span<const std::string_view> pieces) override;
  int connectError() const override { return link_->connectError; }
  Endpoint peer() const override { return link_->sides[1 - side_].address; }
  Endpoint local() const override { return link_->sides[side_].address; }
  int descriptor() const override { return descriptor_; }
  void setNoDelay(bool) override {}
  void setKeepAlive(int) override {}

  bool readable() const override;
  bool writable() const override;
  void deliverReadable() override { handler_->onReadable(); }
  void deliverWritable() override { handler_->onWritable(); }

  SimProcess& process() { return *process_; }
  // Cut, perhaps without having been told.
  bool severed() const { return link_->severed; }
  // Something changed on the link.
  void notify();

 private:
  SimNetwork& network_;
  const ProcessPtr process_;
  const LinkPtr link_;
  const size_t side_;
  const int descriptor_;
  SimLoop* loop_ = nullptr;
  StreamHandler* handler_ = nullptr;
  bool wantsRead_ = true;
  bool wantsWrite_ = false;
};

class SimListener final : public Listener {
 public:
  SimListener(SimNetwork& network, ProcessPtr process, SimLoop& loop, Endpoint at, Network::AcceptHandler onAccept)
      : network_(network),
        process_(std::move(process)),
        loop_(loop),
        at_(std::move(at)),
        onAccept_(std::move(onAccept)) {}
  ~SimListener() override { network_.removeListener(at_); }
  Endpoint local() const override { return at_; }
  void accept(const LinkPtr& link);
  SimProcess& process() { return *process_; }

 private:
  SimNetwork& network_;
  const ProcessPtr process_;
  SimLoop& loop_;
  const Endpoint at_;
  const Network::AcceptHandler onAccept_;
  const std::shared_ptr<SimListener*> self_ = std::make_shared<SimListener*>(this);
};

// The port of one process on one host.
class SimNetworkPort final : public Network {
 public:
  SimNetworkPort(SimNetwork& network, ProcessPtr process, std::string host)
      : network_(network), process_(std::move(process)), host_(std::move(host)) {}

  Result<std::unique_ptr<Listener>> listen(EventLoop& loop, const Endpoint& at, const ListenOptions& options,
                                           AcceptHandler onAccept) override;
  std::unique_ptr<Stream> connect(const Endpoint& to, const ConnectOptions& options) override;

 private:
  SimNetwork& network_;
  const ProcessPtr process_;
  const std::string host_;
};

}  // namespace vigil::sim
