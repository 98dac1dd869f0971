#include <algorithm>
#include <utility>

#include "sentinel/confirmation.h"
#include "sentinel/discovery.h"
#include "sentinel/failover_flow.h"
#include "wire/info_report.h"

namespace vigil::sentinel {

namespace {

constexpr int kHellosToWait = 4;  // a newer configuration would have been heard of by then

void noteProcess(Step& step, Instance& instance, const std::string& runId) {
  if (runId.empty() || runId == instance.runId) return;
  if (!instance.runId.empty()) {
    step.event(LogLevel::kNotice, "+reboot", &instance);
    if (instance.role == Role::kMaster && instance.owner.settings.rebootDownAfterMs != 0)
      instance.rebootedAt = step.now;
  }
  instance.runId = runId;
}

void noteRole(Step& step, Instance& instance, bool isReplica) {
  if (isReplica) instance.formerMaster = false;
  if (isReplica == instance.saysReplica) return;
  instance.saysReplica = isReplica;
  instance.roleSince = step.now;
  instance.followsSince = step.now;
  const bool asExpected = (instance.role == Role::kReplica) == isReplica;
  step.event(LogLevel::kVerbose, asExpected ? "+role-change" : "-role-change", &instance,
             std::string("new reported role is ") + (isReplica ? "slave" : "master"));
}

void findReplicas(Step& step, MonitoredMaster& master, const wire::InfoReport& report) {
  bool found = false;
  for (const auto& [host, port] : report.replicas) {
    const bool known = std::ranges::any_of(
        master.replicas, [&, &h = host, p = port](const auto& entry) { return entry.second->address.isAt(h, p); });
    if (known) continue;
    Instance& replica = step.create(Role::kReplica, master, joinHostPort(host, port), {host, port});
    step.event(LogLevel::kNotice, "+slave", &replica);
    found = true;
  }
  if (found) step.persist();
}

void noteReplication(Step& step, Instance& replica, const wire::InfoReport& report) {
  if (report.masterHost && report.masterPort &&
      (*report.masterHost != replica.masterHost || *report.masterPort != replica.masterPort)) {
    replica.masterHost = *report.masterHost;
    replica.masterPort = *report.masterPort;
    replica.followsSince = step.now;
  }
  replica.masterLinkUp = report.masterLinkUp.value_or(false);
  // -1: the link was not up since the server started. If it has an offset nevertheless (Redis's first is 1), it
  // recovered a master's data from its disk.
  replica.everSynced =
      replica.masterLinkUp || report.masterLinkDownSeconds.value_or(0) >= 0 || report.offset.value_or(0) > 1;
  replica.masterLinkDownFor =
      replica.masterLinkUp ? 0 : std::max<int64_t>(0, report.masterLinkDownSeconds.value_or(0)) * 1'000'000;
  replica.refusesEmptyMaster = report.masterRefusedEmpty;
  if (report.priority) replica.priority = *report.priority;
  if (report.offset) replica.offset = *report.offset;
  replica.announced = report.announced.value_or(true);
}

// A replica that calls itself a master. If nobody else is fit it is what there is: the one that all follow, perhaps,
// while our configuration names another.
void noteOwnData(Instance& replica) {
  replica.masterLinkUp = replica.refusesEmptyMaster = false;
  replica.masterLinkDownFor = 0;
  replica.offset = replica.masterOffset;
  replica.everSynced = replica.offset > 1;
}

bool masterLooksSane(const Step& step, const MonitoredMaster& master) {
  const Instance& self = *master.self;
  return !self.down() && !master.objectivelyDown() && !self.saysReplica && self.infoAt != 0 &&
         step.now - self.infoAt < 2 * ms(step.state.times.infoPeriod);
}

bool wasUpFor(const Step& step, const Instance& instance, MonoUs period) {
  return instance.wasDown == 0 || step.now - instance.wasDown > period;
}

// Still as the failover left it that we led, or so it seems.
bool isLeftover(const MonitoredMaster& master, const Instance& replica) {
  if (!master.ledLast) return false;
  return replica.saysReplica ? master.previous.isAt(replica.masterHost, replica.masterPort) : replica.formerMaster;
}

void tellToFollow(Step& step, Instance& replica) {
  const std::string_view event = replica.saysReplica ? "+fix-slave-config" : "+convert-to-slave";
  if (sendReplicaOf(step, replica, &replica.owner.self->address)) step.event(LogLevel::kNotice, event, &replica);
}

// A replica that calls itself a master: the old one came back, or somebody promoted it whose configuration has not
// reached us yet. The first is repaired as soon as the second can be excluded.
void turnIntoReplica(Step& step, Instance& instance) {
  MonitoredMaster& master = instance.owner;
  if (!masterLooksSane(step, master)) return;
  const MonoUs wait = kHellosToWait * ms(step.state.times.publishPeriod);
  if (wasUpFor(step, instance, wait) && step.now - instance.roleSince > wait) return tellToFollow(step, instance);
  if (isLeftover(master, instance) && askForConfirmation(step, master)) tellToFollow(step, instance);
}

// A replica of another master than ours.
void repairFollowing(Step& step, Instance& replica) {
  MonitoredMaster& master = replica.owner;
  if (!masterLooksSane(step, master)) return;
  const MonoUs wait = ms(master.settings.failoverTimeoutMs);
  if (wasUpFor(step, replica, wait) && step.now - replica.followsSince > wait) return tellToFollow(step, replica);
  if (isLeftover(master, replica) && askForConfirmation(step, master)) tellToFollow(step, replica);
}

void actOnReplica(Step& step, Instance& replica) {
  MonitoredMaster& master = replica.owner;
  if (!replica.saysReplica) {
    if (replica.promoted) {
      if (master.failover.stage == Stage::kWaitingForPromotion) onPromoted(step, replica);
    } else if (!master.failover.underWay()) {
      turnIntoReplica(step, replica);
    }
    return;
  }
  if (replica.reconfiguration != Reconfiguration::kNone) {
    followRepointing(step, replica);
  } else if (!master.failover.underWay() && !master.self->address.isAt(replica.masterHost, replica.masterPort)) {
    repairFollowing(step, replica);
  }
}

}  // namespace

void repairReplicas(Step& step, MonitoredMaster& master) {
  if (master.failover.underWay() || step.state.tiltSince != 0 || !masterLooksSane(step, master)) return;
  for (const auto& [key, replica] : master.replicas) {
    // What was seen before the others were asked.
    const bool seen = replica->infoAt != 0 && replica->infoAt <= master.confirmAt && replica->link.commands.up();
    if (seen && isLeftover(master, *replica)) tellToFollow(step, *replica);
  }
}

void onInfo(Step& step, Instance& instance, const std::string& text) {
  const wire::InfoReport report = wire::parseInfo(text);
  const bool first = instance.infoAt == 0;
  instance.infoText = text;
  instance.infoAt = step.now;
  instance.infoAsked = 0;
  noteProcess(step, instance, report.runId);
  if (first) {  // no change: what it always was
    instance.saysReplica = report.isReplica.value_or(instance.role == Role::kReplica);
    instance.roleSince = step.now;
  }
  if (report.isReplica) noteRole(step, instance, *report.isReplica);
  if (!instance.saysReplica && report.masterOffset) instance.masterOffset = *report.masterOffset;
  if (instance.role == Role::kMaster && !instance.saysReplica) findReplicas(step, instance.owner, report);
  if (instance.saysReplica) {
    noteReplication(step, instance, report);
  } else if (instance.role == Role::kReplica) {
    noteOwnData(instance);
  }
  if (instance.role == Role::kReplica && step.state.tiltSince == 0) actOnReplica(step, instance);
  // `instance` may be gone: a failover that came to its end forgets the replicas.
}

}  // namespace vigil::sentinel
