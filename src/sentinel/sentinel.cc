#include "sentinel/sentinel.h"

#include <algorithm>
#include <cassert>

#include "sentinel/confirmation.h"
#include "sentinel/discovery.h"
#include "sentinel/election.h"
#include "sentinel/failover_flow.h"
#include "sentinel/judgement.h"
#include "sentinel/watch.h"

namespace vigil::sentinel {

Effects Sentinel::step(MonoUs now, const Event& event) {
  return perform(now, [&](Step& step) {
    if (event.kind == Event::Kind::kTick) return tick(step);
    const auto found = state_.instances.find(event.instance);
    if (found == state_.instances.end()) return;  // forgotten meanwhile
    Instance& instance = *found->second;
    if (event.kind == Event::Kind::kResolved) return onResolved(instance, event.text);
    if (instance.link.of(event.channel).attempt != event.attempt) return;
    dispatch(step, instance, event);
  });
}

void Sentinel::dispatch(Step& step, Instance& instance, const Event& event) {
  switch (event.kind) {
    case Event::Kind::kTick:
    case Event::Kind::kResolved:
      break;
    case Event::Kind::kConnected:
      return onConnected(step, instance, event);
    case Event::Kind::kConnectFailed:
      return onConnectFailed(step, instance, event);
    case Event::Kind::kBroken:
      return onBroken(step, instance, event);
    case Event::Kind::kReply:
      return reply(step, instance, event);
    case Event::Kind::kMessage:
      instance.link.lastHeard = step.now;
      return onHello(step, event.text);
  }
}

void Sentinel::reply(Step& step, Instance& instance, const Event& event) {
  if (event.channel != Channel::kCommands) return;
  if (instance.link.pending > 0) --instance.link.pending;
  MonitoredMaster& master = instance.owner;
  switch (event.request) {
    case Request::kPing:
      onPingReply(step, instance, event.reply);
      if (state_.tiltSince == 0) judge(step, instance);
      if (state_.tiltSince == 0 && instance.role == Role::kMaster) judgeObjectively(step, master);
      break;
    case Request::kInfo:
      if (!event.reply.isText()) {
        instance.infoAsked = 0;
        break;
      }
      onInfo(step, instance, event.reply.text);
      if (state_.tiltSince == 0) advanceFailover(step, master);
      break;
    case Request::kAskDown:
      onDownAnswer(step, instance, event.reply);
      break;
    case Request::kConfirm:
      if (onConfirmation(step, instance, event.reply)) repairReplicas(step, master);
      break;
    case Request::kFailover:
      onFailoverReply(step, master, event.reply);
      break;
    case Request::kSetup:
    case Request::kHello:
    case Request::kChangeRole:
    case Request::kOther:
      break;  // what came of it shows in PING and INFO
  }
}

void Sentinel::tick(Step& step) {
  watchTime(step);
  for (auto& [name, master] : state_.masters) {
    // A failover's end makes replicas anew: none may be looked at while its steps are taken.
    master->each([&](Instance& instance) { watch(step, instance); });
    if (state_.tiltSince != 0) continue;
    master->each([&](Instance& instance) { judge(step, instance); });
    judgeObjectively(step, *master);
    holdElection(step, *master);
    advanceFailover(step, *master);
  }
}

// A process that was stopped, or a machine that slept, must not take all others for dead: they are given time to
// answer.
void Sentinel::watchTime(Step& step) {
  const MonoUs passed = step.now - state_.lastTick;
  const bool first = state_.lastTick == 0;
  state_.lastTick = step.now;
  if (!first && (passed < 0 || passed > ms(state_.times.tiltTrigger))) {
    state_.tiltSince = step.now;
    step.event(LogLevel::kWarning, "+tilt", nullptr, "#tilt mode entered");
  } else if (state_.tiltSince != 0 && step.now - state_.tiltSince > ms(state_.times.tiltPeriod)) {
    state_.tiltSince = 0;
    step.event(LogLevel::kWarning, "-tilt", nullptr, "#tilt mode exited");
  }
}

MonoUs Sentinel::nextWake() const {
  MonoUs next = INT64_MAX;
  if (state_.tiltSince != 0) return next;  // nothing is decided before the regular tick that ends it
  for (const auto& [name, master] : state_.masters) {
    next = std::min(next, nextJudgement(*master));
    const Failover& failover = master->failover;
    if (failover.standAt == 0 || failover.underWay() || !master->objectivelyDown()) continue;
    next = std::min(next, std::max(failover.standAt, pauseEnd(*master)));
  }
  return next;
}

void Sentinel::checkInvariants() const {
#if defined(VIGIL_CHECK_INVARIANTS)
  for (const auto& [name, master] : state_.masters) {
    assert(master->ballot.epoch <= state_.epoch);
    assert(master->configEpoch <= state_.epoch);
    assert(!master->failover.underWay() || (master->failover.epoch != 0 && master->failover.epoch <= state_.epoch));
    assert(master->self != nullptr && state_.instances.contains(master->self->id));
    size_t promoted = 0;
    for (const auto& [key, replica] : master->replicas) promoted += replica->promoted ? 1 : 0;
    assert(promoted <= 1 && (promoted == 0 || master->failover.stage >= Stage::kSendingPromotion));
  }
#endif
}

}  // namespace vigil::sentinel
