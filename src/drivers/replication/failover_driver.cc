#include "drivers/replication/failover_driver.h"

#include <limits>
#include <utility>

#include "replication/planted_bugs.h"

namespace vigil::drivers {

using replication::Effect;
using replication::Effects;
using replication::Failover;

namespace {

constexpr UnixMs kUntilEnded = std::numeric_limits<UnixMs>::max();
constexpr MonoUs kSecond = 1'000'000;

}  // namespace

std::vector<Failover::Peer> FailoverDriver::peers() const {
  std::vector<Failover::Peer> peers;
  for (const auto& replica : master_.replicas()) {
    peers.push_back({.address = {replica.host(), replica.traits.listeningPort},
                     .online = replica.state == replication::ReplicaState::kOnline,
                     .acked = replica.acked});
  }
  return peers;
}

std::string FailoverDriver::start(replication::FailoverRequest request) {
  oplog::Log& log = engine_.log();
  if (engine_.state().replica.load()) return "ERR FAILOVER is not valid when server is a replica.";
  const std::string whom = request.target ? request.target->host + ":" + std::to_string(request.target->port) : "any replica";
  const auto replicas = peers();
  {
    MutexLock guard(mutex_);
    std::string error = core_.start(engine_.system().clock.mono(), std::move(request), replicas);
    if (!error.empty()) return error;
  }
  // The last record before the pause asks for an answer at once, rather than with the replicas' next second. The target
  // has to have it too: we shall ask it for what comes behind.
  if (!engine_.pause().active()) {
    std::string_view command[] = {"REPLCONF", "GETACK", "*"};
    log.append(-1, command);
  }
  {
    MutexLock guard(mutex_);
    core_.writesEndAt(log.end());
    state_.store(core_.state());
  }
  engine_.logger().notice("FAILOVER requested to " + whom + ".");
  if (!planted(replication::kFailoverNotPaused)) {
    engine_.pause().set(engine::Pause::Purpose::kFailover, engine::Pause::Kind::kWrites, kUntilEnded);
  }
  engine_.control().post([this] {
    engine_.log().pump();
    progress();
  });
  return {};
}

std::string FailoverDriver::abort() {
  if (!active()) return "ERR No failover in progress.";
  carryOut(step({.kind = Event::Kind::kAbort}));
  return {};
}

void FailoverDriver::progress() {
  if (active()) stepLater({.kind = Event::Kind::kProgress});
}

bool FailoverDriver::handOver(const Effect& effect) {
  if (effect.kind == Effect::Kind::kHandOverAsked) {
    stepLater({.kind = Event::Kind::kAsked});
    return active();
  }
  stepLater(effect.text.empty() ? Event{.kind = Event::Kind::kAccepted}
                                : Event{.kind = Event::Kind::kRejected, .text = effect.text});
  return true;
}

// Most steps change nothing: the world is taken only for one that may.
void FailoverDriver::stepLater(Event event) {
  Effects effects = step(event);
  if (effects.empty()) return;
  engine_.withWorld([this, effects = std::move(effects)] { carryOut(effects); });
}

Effects FailoverDriver::step(const Event& event) {
  const auto replicas = peers();
  MutexLock guard(mutex_);
  Effects effects = core_.step(engine_.system().clock.mono(), event, replicas, options_.timeout.load() * kSecond);
  state_.store(core_.state());
  return effects;
}

bool FailoverDriver::mayHandOver(uint64_t number) {
  MutexLock guard(mutex_);
  return core_.mayHandOver(number);
}

// World held.
void FailoverDriver::carryOut(const Effects& effects) {
  for (const Effect& effect : effects) {
    switch (effect.kind) {
      case Effect::Kind::kLog:
        engine_.logger().log(effect.level, effect.text);
        break;
      case Effect::Kind::kHandOver:
        if (mayHandOver(effect.id)) replica_.handOver(effect.master);
        break;
      case Effect::Kind::kTakeBack:
        replica_.promote("an aborted failover", "request");
        break;
      case Effect::Kind::kResumeWrites:
        engine_.pause().clear(engine::Pause::Purpose::kFailover);
        engine_.resumePaused();
        break;
      default:
        break;
    }
  }
}

}  // namespace vigil::drivers
