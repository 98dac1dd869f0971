#include <algorithm>

#include "sentinel/discovery.h"
#include "sentinel/election.h"
#include "sentinel/failover_flow.h"
#include "sentinel/planted_bugs.h"
#include "sentinel/watch.h"
#include "wire/sentinel_hello.h"

namespace vigil::sentinel {

namespace {

// Another Sentinel at the same address is gone: its place has been taken. It is known on, as its vote counts, but not
// connected to, until it says where it is.
void invalidateOthersAt(Step& step, MonitoredMaster& master, const wire::SentinelHello& hello) {
  for (auto& [id, other] : master.sentinels) {
    if (id == hello.id || !other->address.isAt(hello.host, hello.port)) continue;
    step.event(LogLevel::kNotice, "+sentinel-invalid-addr", other.get());
    step.disconnect(*other, Channel::kCommands);
    other->address.port = 0;
  }
}

// A Sentinel is its id, not its address. The same one may be known of other masters under the old address, too.
void moveSentinel(Step& step, const wire::SentinelHello& hello) {
  for (auto& [name, master] : step.state.masters) {
    const auto found = master->sentinels.find(hello.id);
    if (found == master->sentinels.end() || found->second->address.isAt(hello.host, hello.port)) continue;
    Instance& sentinel = *found->second;
    step.event(LogLevel::kNotice, "+sentinel-address-switch", master->self.get(),
               "ip " + hello.host + " port " + std::to_string(hello.port) + " for " + hello.id);
    step.disconnect(sentinel, Channel::kCommands);
    sentinel.address = {hello.host, hello.port};
    sentinel.link.commands.tried = 0;
    watch(step, sentinel);
  }
}

Instance& noteSentinel(Step& step, MonitoredMaster& master, const wire::SentinelHello& hello) {
  const auto found = master.sentinels.find(hello.id);
  if (found != master.sentinels.end()) {
    if (!found->second->address.isAt(hello.host, hello.port)) {
      invalidateOthersAt(step, master, hello);
      moveSentinel(step, hello);
      step.persist();
    }
    return *found->second;
  }
  invalidateOthersAt(step, master, hello);
  Instance& sentinel = step.create(Role::kSentinel, master, hello.id, {hello.host, hello.port});
  sentinel.runId = hello.id;
  step.persist();
  step.event(LogLevel::kNotice, "+sentinel", &sentinel);
  watch(step, sentinel);
  return sentinel;
}

// Two failovers, of which a user forced one, can end in one epoch with two masters, and neither configuration would
// ever replace the other. Of two Sentinels that differ the one with the smaller id declares its own anew, in an epoch
// after all it has heard of.
void declareAnew(Step& step, MonitoredMaster& master, const wire::SentinelHello& hello) {
  if (hello.masterConfigEpoch != master.configEpoch || master.configEpoch == 0 || step.state.id > hello.id) return;
  // A server that we know by another name, or not at all, is no reason: it may be the same one.
  const bool anotherServer = std::ranges::any_of(master.replicas, [&](const auto& entry) {
    return entry.second->address.isAt(hello.masterHost, hello.masterPort);
  });
  if (master.failover.underWay() || !anotherServer) return;
  const uint64_t epoch = master.configEpoch = claimEpoch(step, master);
  step.log(LogLevel::kWarning, "The Sentinel " + hello.id + " has " + joinHostPort(hello.masterHost, hello.masterPort) +
                                   " for the master " + master.name + " in the epoch in which it is " +
                                   joinHostPort(step.shown(master.self->address), master.self->address.port) +
                                   " for us: we declare that anew in epoch " + std::to_string(epoch));
  sayHello(step, master);
}

// A configuration of a greater epoch replaces ours, whatever we were about to do.
void takeConfiguration(Step& step, MonitoredMaster& master, const wire::SentinelHello& hello, const Instance& from) {
  if (hello.masterConfigEpoch <= master.configEpoch && !planted(kConfigEpochIgnored)) return;
  master.configEpoch = hello.masterConfigEpoch;
  master.ledLast = false;
  step.persist();
  if (master.self->address.isAt(hello.masterHost, hello.masterPort)) {
    if (master.failover.underWay()) giveUpFailover(step, master);
    return;
  }
  step.event(LogLevel::kWarning, "+config-update-from", &from);
  Address to{hello.masterHost, hello.masterPort};
  for (const auto& [key, replica] : master.replicas) {
    if (replica->address.isAt(to.host, to.port)) to = replica->address;
  }
  switchMaster(step, master, to);
}

}  // namespace

void onHello(Step& step, std::string_view text) {
  const auto hello = wire::parseHello(text);
  if (!hello || hello->id == step.state.id) return;
  MonitoredMaster* master = step.state.find(hello->masterName);
  if (master == nullptr) return;
  Instance& from = noteSentinel(step, *master, *hello);
  from.heardHello = step.now;
  // A configuration is never of a later epoch than its Sentinel's; of one that says so the greater number counts.
  if (const uint64_t epoch = std::max(hello->epoch, hello->masterConfigEpoch); epoch > step.state.epoch) {
    raiseEpoch(step, *master, epoch);
    step.persist();
  }
  takeConfiguration(step, *master, *hello, from);
  declareAnew(step, *master, *hello);
}

}  // namespace vigil::sentinel
