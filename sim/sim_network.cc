#include "sim/sim_network.h"

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace vigil::sim {

namespace {

using End = SimLink::Chunk::End;

constexpr SimTime kConnectTimeout = 60 * kSecond;
constexpr SimTime kRetry = kSecond;  // of the first packet of a connection

}  // namespace

std::vector<LinkPtr> SimNetwork::liveLinks() {
  std::vector<LinkPtr> live;
  std::erase_if(links_, [&](const auto& entry) {
    if (auto link = entry.second.lock()) live.push_back(std::move(link));
    return live.empty() || live.back()->number != entry.first;
  });
  return live;
}

// --- Faults ----------------------------------------------------------------------------------------------------

void SimNetwork::unblock(const std::string& from, const std::string& to) {
  blocked_.erase({from, to});
  for (const LinkPtr& link : liveLinks()) {
    for (size_t side : {0, 1}) arrive(link, side);
  }
}

void SimNetwork::cut(const std::string& a, const std::string& b, bool half) {
  for (const LinkPtr& link : liveLinks()) {
    auto& [x, y] = link->sides;
    if (!((x.host == a && y.host == b) || (x.host == b && y.host == a)) || link->severed) continue;
    for (SimLink::Side& side : link->sides) {
      // Of what was in flight a part arrives, cut at any byte.
      size_t left = world_.random().below(side.inFlight + 1);
      while (!side.flight.empty() && left >= side.flight.front().bytes.size()) {
        left -= side.flight.front().bytes.size();
        side.arrived += side.flight.front().bytes;
        side.flight.pop_front();
      }
      if (!side.flight.empty()) side.arrived += side.flight.front().bytes.substr(0, left);
      side.flight.clear();
      side.inFlight = 0;
    }
    link->severed = true;
    size_t first = world_.random().below(2);
    reset(link, first, ECONNRESET);
    if (!half) reset(link, 1 - first, ECONNRESET);
  }
}

void SimNetwork::heal() {
  faults = NetworkFaults{};
  blocked_.clear();
  for (const LinkPtr& link : liveLinks()) {
    for (size_t side : {0, 1}) {
      if (link->severed) {
        reset(link, side, ECONNRESET);
      } else {
        arrive(link, side);
      }
    }
  }
}

void SimNetwork::processDied(SimProcess& process, const std::string& host, Death how) {
  for (const LinkPtr& link : liveLinks()) {
    for (size_t side : {0, 1}) {
      SimLink::Side& dead = link->sides[side];
      if (dead.host != host || dead.gone || (dead.stream && &dead.stream->process() != &process)) continue;
      dead.stream = nullptr;
      dead.gone = true;
      if (link->severed) continue;
      if (how == Death::kKill) {
        // The kernel lives: what was written still travels, then the end or a reset.
        send(link, 1 - side, {}, world_.random().chance(0.5) ? End::kFin : End::kReset);
        continue;
      }
      // A part of what was written is on its way; then silence, until somebody asks the host that came back.
      SimLink::Side& other = link->sides[1 - side];
      size_t keep = world_.random().below(other.flight.size() + 1);
      while (other.flight.size() > keep) {
        other.inFlight -= other.flight.back().bytes.size();
        other.flight.pop_back();
      }
      world_.after(world_.random().between(kSecond, 4 * kSecond), [this, link, side] {
        link->severed = true;
        reset(link, 1 - side, ECONNRESET);
      });
    }
  }
}

// --- Connections -----------------------------------------------------------------------------------------------

bool SimNetwork::addListener(const Endpoint& at, SimListener* listener) {
  return listeners_.emplace(std::pair(at.host, at.port), listener).second;
}

LinkPtr SimNetwork::makeLink(const std::string& fromHost, const Endpoint& to) {
  auto link = std::make_shared<SimLink>();
  link->number = ++lastLink_;
  link->capacity = static_cast<size_t>(world_.random().skewed(2048, 512 * 1024));
  link->connectError = EINPROGRESS;
  link->sides[0].host = fromHost;
  link->sides[0].address = {fromHost, static_cast<uint16_t>(30000 + lastLink_ % 30000)};
  link->sides[1].host = to.host == "127.0.0.1" || to.host == "localhost" ? fromHost : to.host;
  link->sides[1].address = {link->sides[1].host, to.port};
  links_[link->number] = link;
  return link;
}

void SimNetwork::attempt(const LinkPtr& link, SimTime since) {
  SimLink::Side& caller = link->sides[0];
  SimLink::Side& called = link->sides[1];
  if (caller.gone) return;
  auto finish = [&](int error) {
    link->connectError = error;
    if (error != 0) caller.error = error;
    if (caller.stream) caller.stream->notify();
  };
  if (!open(caller.host, called.host) || !open(called.host, caller.host)) {
    if (world_.now() - since > kConnectTimeout) return finish(ETIMEDOUT);
    world_.after(kRetry, [this, link, since] { attempt(link, since); });
    return;
  }
  auto at = listeners_.find({called.host, called.address.port});
  if (at == listeners_.end() || !at->second->process().alive || world_.random().chance(faults.refuse)) {
    return finish(ECONNREFUSED);
  }
  finish(0);
  at->second->accept(link);
}

void SimNetwork::send(const LinkPtr& link, size_t to, std::string bytes, End end) {
  SimLink::Side& side = link->sides[to];
  SimTime delay = world_.random().skewed(faults.latencyLeast, faults.latencyMost);
  if (world_.random().chance(faults.spike)) delay += world_.random().between(0, faults.spikeMost);
  side.lastAt = std::max(side.lastAt, world_.now() + delay);
  side.inFlight += bytes.size();
  side.flight.push_back({side.lastAt, std::move(bytes), end});
  world_.at(side.lastAt, [this, link, to] { arrive(link, to); });
}

void SimNetwork::arrive(const LinkPtr& link, size_t at) {
  SimLink::Side& side = link->sides[at];
  if (link->severed || !open(link->sides[1 - at].host, side.host)) return;
  bool news = false;
  while (!side.flight.empty() && side.flight.front().at <= world_.now()) {
    SimLink::Chunk& chunk = side.flight.front();
    size_t size = chunk.bytes.size();
    if (size > 1 && world_.random().chance(0.15)) {  // a packet ends anywhere
      size = 1 + world_.random().below(size - 1);
      side.arrived.append(chunk.bytes, 0, size);
      chunk.bytes.erase(0, size);
      side.inFlight -= size;
      chunk.at = world_.now() + world_.random().skewed(1, 500);
      side.lastAt = std::max(side.lastAt, chunk.at);
      world_.at(chunk.at, [this, link, at] { arrive(link, at); });
      news = true;
      break;
    }
    side.arrived += chunk.bytes;
    side.inFlight -= size;
    End end = chunk.end;
    side.flight.pop_front();
    news = true;
    if (end == End::kFin) side.ended = true;
    if (end == End::kReset) side.error = ECONNRESET;
    if (side.gone && size > 0 && !link->sides[1 - at].gone) {
      reset(link, 1 - at, ECONNRESET);  // nobody lives here any more
      return;
    }
  }
  if (news && side.stream) side.stream->notify();
}

void SimNetwork::reset(const LinkPtr& link, size_t at, int error) {
  SimLink::Side& side = link->sides[at];
  if (side.gone || side.error != 0) return;
  side.error = error;
  if (side.stream) side.stream->notify();
}

IoResult SimNetwork::write(const LinkPtr& link, size_t at, std::span<const std::string_view> pieces) {
  SimLink::Side& side = link->sides[at];
  SimLink::Side& other = link->sides[1 - at];
  if (link->connectError == EINPROGRESS) return {IoResult::Kind::kWouldBlock};
  if (side.error != 0) return {IoResult::Kind::kFailed, 0, side.error};
  size_t used = other.inFlight + other.unread();
  size_t room = link->capacity > used ? link->capacity - used : 0;
  if (room == 0) return {IoResult::Kind::kWouldBlock};
  std::string bytes;
  for (std::string_view piece : pieces) {
    bytes.append(piece.substr(0, room - bytes.size()));
    if (bytes.size() == room) break;
  }
  if (bytes.size() > 1 && world_.random().chance(faults.partialWrite)) {
    bytes.resize(1 + world_.random().below(bytes.size() - 1));
  }
  size_t taken = bytes.size();
  if (onWrite) onWrite(*link, at, bytes);
  if (link->severed) {
    other.inFlight += taken;  // it fills the buffer and goes nowhere
  } else {
    send(link, 1 - at, std::move(bytes), End::kNone);
  }
  return {IoResult::Kind::kDone, taken};
}

IoResult SimNetwork::read(const LinkPtr& link, size_t at, std::span<char> into) {
  SimLink::Side& side = link->sides[at];
  if (side.unread() > 0) {
    size_t taken = std::min(into.size(), side.unread());
    std::copy_n(side.arrived.data() + side.read, taken, into.data());
    side.read += taken;
    if (side.read == side.arrived.size()) {
      side.arrived.clear();
      side.read = 0;
    }
    if (SimStream* writer = link->sides[1 - at].stream) writer->notify();
    return {IoResult::Kind::kDone, taken};
  }
  if (side.error != 0) return {IoResult::Kind::kFailed, 0, side.error};
  if (side.ended) return {IoResult::Kind::kClosed};
  return {IoResult::Kind::kWouldBlock};
}

void SimNetwork::close(const LinkPtr& link, size_t at) {
  SimLink::Side& side = link->sides[at];
  side.stream = nullptr;
  if (side.gone) return;
  side.gone = true;
  if (link->severed || link->connectError != 0) return;
  send(link, 1 - at, {}, side.unread() > 0 ? End::kReset : End::kFin);
}

// --- Streams ---------------------------------------------------------------------------------------------------

SimStream::SimStream(SimNetwork& network, ProcessPtr process, LinkPtr link, size_t side)
    : network_(network),
      process_(std::move(process)),
      link_(std::move(link)),
      side_(side),
      descriptor_(network.nextDescriptor()) {
  link_->sides[side_].stream = this;
}

SimStream::~SimStream() {
  SimStream::detach();
  network_.close(link_, side_);
}

void SimStream::attach(EventLoop& loop, StreamHandler& handler) {
  assert(loop_ == nullptr && "attached twice");
  loop_ = static_cast<SimLoop*>(&loop);
  handler_ = &handler;
  wantsRead_ = true;
  wantsWrite_ = false;
  loop_->add(static_cast<uint64_t>(descriptor_), *this);
}

void SimStream::detach() {
  if (loop_ == nullptr) return;
  loop_->remove(static_cast<uint64_t>(descriptor_));
  loop_ = nullptr;
  handler_ = nullptr;
}

void SimStream::wantRead(bool wanted) {
  wantsRead_ = wanted;
  notify();
}

void SimStream::wantWrite(bool wanted) {
  wantsWrite_ = wanted;
  notify();
}

IoResult SimStream::read(std::span<char> into) {
  if (!process_->alive) return {IoResult::Kind::kWouldBlock};
  return network_.read(link_, side_, into);
}

IoResult SimStream::write(std::span<const std::string_view> pieces) {
  if (!process_->alive) return {IoResult::Kind::kWouldBlock};
  return network_.write(link_, side_, pieces);
}

bool SimStream::readable() const {
  const SimLink::Side& side = link_->sides[side_];
  if (!wantsRead_ || link_->connectError == EINPROGRESS) return false;
  return side.unread() > 0 || side.ended || side.error != 0;
}

bool SimStream::writable() const {
  if (!wantsWrite_ || link_->connectError == EINPROGRESS) return false;
  const SimLink::Side& other = link_->sides[1 - side_];
  return link_->sides[side_].error != 0 || other.inFlight + other.unread() < link_->capacity;
}

void SimStream::notify() {
  if (loop_ != nullptr && (readable() || writable())) loop_->wake();
}

void SimListener::accept(const LinkPtr& link) {
  loop_.post([this, alive = std::weak_ptr<SimListener*>(self_), link] {
    if (alive.expired() || link->sides[0].gone) return;
    onAccept_(std::make_unique<SimStream>(network_, process_, link, 1));
  });
}

Result<std::unique_ptr<Listener>> SimNetworkPort::listen(EventLoop& loop, const Endpoint& at, const ListenOptions&,
                                                         AcceptHandler onAccept) {
  Endpoint where{host_, at.port};
  auto listener =
      std::make_unique<SimListener>(network_, process_, static_cast<SimLoop&>(loop), where, std::move(onAccept));
  if (!network_.addListener(where, listener.get())) return fail("Address already in use", EADDRINUSE);
  return listener;
}

std::unique_ptr<Stream> SimNetworkPort::connect(const Endpoint& to, const ConnectOptions&) {
  LinkPtr link = network_.makeLink(host_, to);
  auto stream = std::make_unique<SimStream>(network_, process_, link, 0);
  SimWorld& world = process_->world;
  world.after(world.random().skewed(network_.faults.latencyLeast, network_.faults.latencyMost),
              [&network = network_, link, since = world.now()] { network.attempt(link, since); });
  return stream;
}

}  // namespace vigil::sim
