#include "replication/failover.h"

#include <algorithm>
#include <utility>

#include "replication/planted_bugs.h"

namespace vigil::replication {

namespace {

std::string textOf(const MasterAddress& address) { return address.host + ":" + std::to_string(address.port); }

}  // namespace

std::string_view Failover::stateName(State state) {
  switch (state) {
    case State::kNone:
      return "no-failover";
    case State::kWaitingForSync:
      return "waiting-for-sync";
    case State::kInProgress:
      return "failover-in-progress";
  }
  return "unknown";
}

std::string Failover::start(MonoUs now, FailoverRequest request, std::span<const Peer> peers) {
  if (state_ != State::kNone) return "ERR FAILOVER already in progress.";
  if (peers.empty()) return "ERR FAILOVER requires connected replicas.";
  if (request.force && (request.timeoutMs == 0 || !request.target)) {
    return "ERR FAILOVER with force option requires both a timeout and target HOST and IP.";
  }
  if (request.target) {
    auto at = std::find_if(peers.begin(), peers.end(), [&](const Peer& p) { return p.address == *request.target; });
    if (at == peers.end()) return "ERR FAILOVER target HOST and PORT is not a replica.";
    if (!at->online) return "ERR FAILOVER target replica is not online.";
  }
  ++number_;
  request_ = std::move(request);
  deadline_ = request_.timeoutMs != 0 ? now + request_.timeoutMs * 1000 : 0;
  state_ = State::kWaitingForSync;
  return {};
}

Effects Failover::step(MonoUs now, const Event& event, std::span<const Peer> peers, MonoUs giveUpAfter) {
  if (state_ == State::kNone) return {};
  out_.clear();
  switch (event.kind) {
    case Event::Kind::kProgress:
      progress(now, peers, giveUpAfter);
      break;
    case Event::Kind::kAsked:
      asked_ = asked_ || state_ == State::kInProgress;
      break;
    case Event::Kind::kAccepted:
      if (state_ != State::kInProgress) break;
      state_ = State::kNone;
      out_.push_back({.kind = Effect::Kind::kResumeWrites});
      break;
    case Event::Kind::kRejected:
      if (state_ == State::kInProgress) abort("Failover target rejected psync request: " + event.text);
      break;
    case Event::Kind::kAbort:
      abort("Failover manually aborted");
      break;
  }
  return std::exchange(out_, {});
}

void Failover::progress(MonoUs now, std::span<const Peer> peers, MonoUs giveUpAfter) {
  if (state_ == State::kInProgress) {
    if (!asked_ && now - handedOver_ > giveUpAfter) abort("The failover target could not be asked in time");
    return;
  }
  for (const Peer& peer : peers) {
    const bool hasAll = peer.acked >= end_ || planted(kFailoverEarly);
    if (!peer.online || !hasAll || (request_.target && peer.address != *request_.target)) continue;
    log(LogLevel::kNotice, "Failover target " + textOf(peer.address) + " is synced, failing over.");
    return handOver(now, MasterAddress(peer.address));
  }
  if (deadline_ == 0 || now < deadline_) return;
  if (!request_.force) return abort("Replica never caught up before timeout");
  log(LogLevel::kNotice, "FAILOVER to " + textOf(*request_.target) + " time out exceeded, failing over.");
  handOver(now, MasterAddress(*request_.target));
}

void Failover::handOver(MonoUs now, const MasterAddress& target) {
  state_ = State::kInProgress;
  handedOver_ = now;
  asked_ = false;
  request_.target = target;
  Effect effect{.kind = Effect::Kind::kHandOver};
  effect.master = target;
  effect.id = number_;
  out_.push_back(std::move(effect));
}

void Failover::abort(const std::string& why) {
  log(LogLevel::kNotice, "FAILOVER to " + (request_.target ? textOf(*request_.target) : "any replica") + " aborted: " + why);
  if (state_ == State::kInProgress) out_.push_back({.kind = Effect::Kind::kTakeBack});
  state_ = State::kNone;
  out_.push_back({.kind = Effect::Kind::kResumeWrites});
}

}  // namespace vigil::replication
