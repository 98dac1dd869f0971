#include "sentinel/failover_flow.h"

#include <algorithm>

#include "sentinel/election.h"
#include "sentinel/replica_choice.h"
#include "sentinel/watch.h"

namespace vigil::sentinel {

namespace {

constexpr MonoUs kInfoWithin = ms(200);  // so long fresh offsets are waited for before a replica is chosen

void enter(Step& step, MonitoredMaster& master, Stage stage, std::string_view name) {
  master.failover.stage = stage;
  master.failover.since = step.now;
  master.report.reached(name, step.now);
}

void logReport(Step& step, const MonitoredMaster& master) {
  for (std::string& line : master.report.lines(kReportTerms)) step.log(LogLevel::kNotice, std::move(line));
}

void abortFailover(Step& step, MonitoredMaster& master, std::string_view event) {
  step.event(LogLevel::kWarning, event, master.self.get());
  if (Instance* promoted = master.promotedReplica()) promoted->promoted = false;
  for (auto& [key, replica] : master.replicas) replica->reconfiguration = Reconfiguration::kNone;
  Failover& failover = master.failover;
  failover.stage = Stage::kNone;
  failover.since = step.now;
  failover.forced = failover.coordinated = false;
  master.report.outcome = "given up: " + std::string(event);
  logReport(step, master);
}

void beginChoosing(Step& step, MonitoredMaster& master) {
  step.event(LogLevel::kWarning, "+elected-leader", master.self.get());
  if (step.state.crashAfterElection) step.out.push_back({.kind = Effect::Kind::kExit});
  master.failover.lastStarted = step.now;
  master.failover.failedElections = 0;
  master.report.epoch = master.failover.epoch;
  enter(step, master, Stage::kChoosing, "elected");
  step.event(LogLevel::kWarning, "+failover-state-select-slave", master.self.get());
  advanceFailover(step, master);
}

void choose(Step& step, MonitoredMaster& master) {
  if (awaitsInfo(step, master) && step.now - master.failover.since < kInfoWithin) return;
  ReplicaChoice choice = chooseReplica(step, master);
  master.report.candidates = std::move(choice.candidates);
  for (const auto& candidate : master.report.candidates) {  // none has what its master had not
    master.report.oldMasterHad(candidate.offset, step.now);
  }
  if (choice.chosen == nullptr) return abortFailover(step, master, "-failover-abort-no-good-slave");
  Instance& replica = *choice.chosen;
  replica.promoted = true;
  master.report.newMaster = joinHostPort(step.shown(replica.address), replica.address.port);
  master.report.newOffset = replica.offset;
  step.event(LogLevel::kWarning, "+selected-slave", &replica);
  enter(step, master, Stage::kSendingPromotion, "replica chosen");
  step.event(LogLevel::kNotice, "+failover-state-send-slaveof-noone", &replica);
}

bool outOfTime(const Step& step, const MonitoredMaster& master) {
  return step.now - master.failover.since > ms(master.settings.failoverTimeoutMs);
}

// The master itself pauses its writes, waits for the replica and hands over.
bool sendHandOver(Step& step, MonitoredMaster& master, const Instance& replica) {
  const Address& to = replica.address;
  return step.send(*master.self, Request::kFailover,
                   {"FAILOVER", "TO", to.host, std::to_string(to.port), "TIMEOUT",
                    std::to_string(master.settings.failoverTimeoutMs / 2)});  // it gives up before we do
}

void sendPromotion(Step& step, MonitoredMaster& master) {
  Instance* replica = master.promotedReplica();
  if (replica == nullptr) return abortFailover(step, master, "-failover-abort-no-good-slave");
  const bool sent =
      master.failover.coordinated ? sendHandOver(step, master, *replica) : sendReplicaOf(step, *replica, nullptr);
  if (!sent) {
    if (outOfTime(step, master)) abortFailover(step, master, "-failover-abort-slave-timeout");
    return;
  }
  step.event(LogLevel::kNotice, "+failover-state-wait-promotion", replica);
  enter(step, master, Stage::kWaitingForPromotion, "promotion sent");
  replica->infoAsked = 0;
  askInfo(step, *replica);
}

void end(Step& step, MonitoredMaster& master, std::string_view event) {
  step.event(LogLevel::kWarning, event, master.self.get());
  const Instance* promoted = master.promotedReplica();
  if (promoted == nullptr) return abortFailover(step, master, "-failover-abort-no-good-slave");
  master.report.outcome = event == "+failover-end" ? "succeeded" : "succeeded, not all replicas follow yet";
  master.report.reached("ended", step.now);
  logReport(step, master);
  switchMaster(step, master, Address(promoted->address));
  master.ledLast = true;
}

// Those that are told so late need not answer any more.
void tellTheRest(Step& step, MonitoredMaster& master, const Address& to) {
  for (auto& [key, replica] : master.replicas) {
    if (replica->promoted || replica->reconfiguration != Reconfiguration::kNone) continue;
    if (!sendReplicaOf(step, *replica, &to)) continue;
    step.event(LogLevel::kNotice, "+slave-reconf-sent-be", replica.get());
    replica->reconfiguration = Reconfiguration::kSent;
  }
}

void repoint(Step& step, MonitoredMaster& master) {
  const Instance* promoted = master.promotedReplica();
  if (promoted == nullptr) return abortFailover(step, master, "-failover-abort-no-good-slave");
  const Address to = promoted->address;
  int64_t underWay = 0;
  bool left = false;
  for (auto& [key, replica] : master.replicas) {
    if (replica->promoted || replica->reconfiguration == Reconfiguration::kDone) continue;
    if (replica->reconfiguration == Reconfiguration::kSent &&
        step.now - replica->toldAt > ms(step.state.times.replicaReconfTimeout)) {
      step.event(LogLevel::kNotice, "-slave-reconf-sent-timeout", replica.get());
      replica->reconfiguration = Reconfiguration::kNone;
    }
    if (!replica->down()) left = true;
    if (replica->reconfiguration != Reconfiguration::kNone) ++underWay;
  }
  if (!left) return end(step, master, "+failover-end");
  if (outOfTime(step, master)) {
    tellTheRest(step, master, to);
    return end(step, master, "+failover-end-for-timeout");
  }
  for (auto& [key, replica] : master.replicas) {
    if (underWay >= master.settings.parallelSyncs) break;
    if (replica->promoted || replica->reconfiguration != Reconfiguration::kNone) continue;
    if (!sendReplicaOf(step, *replica, &to)) continue;
    ++underWay;
    replica->reconfiguration = Reconfiguration::kSent;
    replica->toldAt = step.now;
    step.event(LogLevel::kNotice, "+slave-reconf-sent", replica.get());
    replica->infoAsked = 0;
    askInfo(step, *replica);
  }
}

void runReconfigScript(Step& step, const MonitoredMaster& master, std::string_view role, const Address& from,
                       const Address& to) {
  if (master.settings.reconfigScript.empty()) return;
  step.runScript({master.settings.reconfigScript, master.name, std::string(role), "start", step.shown(from),
                  std::to_string(from.port), step.shown(to), std::to_string(to.port)});
}

}  // namespace

void onElected(Step& step, MonitoredMaster& master) { beginChoosing(step, master); }

void giveUpFailover(Step& step, MonitoredMaster& master) {
  abortFailover(step, master, "-failover-abort-newer-configuration");
}

void forceFailover(Step& step, MonitoredMaster& master, bool coordinated) {
  Failover& failover = master.failover;
  failover.forced = true;
  failover.coordinated = coordinated;
  failover.standAt = 0;
  failover.epoch = claimEpoch(step, master);
  failover.stage = Stage::kElecting;
  failover.since = step.now;
  master.report.begin(step.now, coordinated ? "asked for by a user, coordinated" : "asked for by a user");
  master.report.oldMaster = joinHostPort(step.shown(master.self->address), master.self->address.port);
  master.report.oldOffset = master.self->masterOffset;
  master.report.oldOffsetAt = master.self->infoAt;
  step.event(LogLevel::kWarning, "+try-failover", master.self.get());
  askInfoOfReplicas(step, master);
  beginChoosing(step, master);
}

void advanceFailover(Step& step, MonitoredMaster& master) {
  if (master.failover.stage == Stage::kChoosing) choose(step, master);
  if (master.failover.stage == Stage::kSendingPromotion) sendPromotion(step, master);
  if (master.failover.stage == Stage::kWaitingForPromotion && outOfTime(step, master)) {
    abortFailover(step, master, "-failover-abort-slave-timeout");
  }
  if (master.failover.stage == Stage::kRepointing) repoint(step, master);
}

void onPromoted(Step& step, Instance& replica) {
  MonitoredMaster& master = replica.owner;
  master.configEpoch = master.failover.epoch;
  enter(step, master, Stage::kRepointing, "promoted");
  step.persist();
  step.event(LogLevel::kWarning, "+promoted-slave", &replica);
  if (step.state.crashAfterPromotion) step.out.push_back({.kind = Effect::Kind::kExit});
  step.event(LogLevel::kWarning, "+failover-state-reconf-slaves", master.self.get());
  runReconfigScript(step, master, "leader", master.self->address, replica.address);
  sayHello(step, master);
  advanceFailover(step, master);
}

void followRepointing(Step& step, Instance& replica) {
  const MonitoredMaster& master = replica.owner;
  const Instance* promoted = master.promotedReplica();
  if (promoted == nullptr || !promoted->address.isAt(replica.masterHost, replica.masterPort)) return;
  if (replica.reconfiguration == Reconfiguration::kSent) {
    replica.reconfiguration = Reconfiguration::kInProgress;
    step.event(LogLevel::kNotice, "+slave-reconf-inprog", &replica);
  }
  if (replica.reconfiguration == Reconfiguration::kInProgress && replica.masterLinkUp) {
    replica.reconfiguration = Reconfiguration::kDone;
    step.event(LogLevel::kNotice, "+slave-reconf-done", &replica);
  }
}

void onFailoverReply(Step& step, MonitoredMaster& master, const wire::RespValue& reply) {
  if (!reply.isError() || !master.failover.coordinated) return;
  step.log(LogLevel::kWarning, "The master " + master.name + " refused to hand over: " + reply.text);
  abortFailover(step, master, "-failover-abort-master-refused");
}

bool sendReplicaOf(Step& step, Instance& instance, const Address* master) {
  if (!instance.link.commands.up()) return false;
  const std::string host = master != nullptr ? step.shown(*master) : "NO";
  const std::string port = master != nullptr ? std::to_string(master->port) : "ONE";
  // As one transaction: it is a replica, or master, and its file says so, and its clients must connect anew and ask us.
  step.send(instance, Request::kChangeRole, {"MULTI"});
  step.send(instance, Request::kChangeRole, {"SLAVEOF", host, port});
  step.send(instance, Request::kChangeRole, {"CONFIG", "REWRITE"});
  step.send(instance, Request::kChangeRole, {"CLIENT", "KILL", "TYPE", "normal"});
  step.send(instance, Request::kChangeRole, {"CLIENT", "KILL", "TYPE", "pubsub"});
  return step.send(instance, Request::kChangeRole, {"EXEC"});
}

void resetMaster(Step& step, MonitoredMaster& master, Address address, bool sentinelsToo) {
  for (auto& [key, replica] : master.replicas) step.forget(*replica);
  master.replicas.clear();
  if (sentinelsToo) {
    for (auto& [id, sentinel] : master.sentinels) step.forget(*sentinel);
    master.sentinels.clear();
  }
  for (auto& [id, sentinel] : master.sentinels) {
    sentinel->seesMasterDown = false;
    sentinel->vote.clear();
  }
  if (master.self != nullptr) step.forget(*master.self);
  step.create(Role::kMaster, master, master.name, std::move(address));
  master.objectivelyDownSince = 0;
  master.failover = {};  // the next one may begin at once
  master.asks = 0;
  watch(step, *master.self);
}

void switchMaster(Step& step, MonitoredMaster& master, const Address& to) {
  const Address from = master.self->address;
  step.plainEvent(LogLevel::kWarning, "+switch-master", &master,
                  master.name + " " + step.shownPair(from) + " " + step.shownPair(to));
  const bool observer = master.failover.stage != Stage::kRepointing;
  if (observer) runReconfigScript(step, master, "observer", from, to);
  std::vector<Address> replicas;
  for (const auto& [key, replica] : master.replicas) {
    if (!replica->address.isSame(to)) replicas.push_back(replica->address);
  }
  const bool moved = !from.isSame(to);
  resetMaster(step, master, to, false);
  if (moved) {
    master.previous = from;
    replicas.push_back(from);
  }
  master.ledLast = false;
  for (Address& address : replicas) {
    std::string name = joinHostPort(step.shown(address), address.port);
    if (master.replicas.contains(name)) continue;
    Instance& replica = step.create(Role::kReplica, master, std::move(name), address);
    replica.formerMaster = moved && address.isSame(from);
    step.event(LogLevel::kNotice, "+slave", &replica);
    watch(step, replica);
  }
  step.persist();
}

}  // namespace vigil::sentinel
