#include "sentinel/replica_choice.h"

#include <algorithm>

namespace vigil::sentinel {

namespace {

constexpr int kPingPeriods = 5;        // so old may the last sign of life be, and INFO while the master is down
constexpr int kInfoPeriods = 3;        // and INFO while it is not
constexpr int kDownAfterPeriods = 10;  // so much longer than the master is down its link may be

// Empty: nothing speaks against it.
std::string_view unfitness(const Step& step, const MonitoredMaster& master, const Instance& replica) {
  const TimeConstants& times = step.state.times;
  const bool masterDown = master.self->down();
  if (replica.down()) return "down";
  if (!replica.link.commands.up()) return "disconnected";
  if (step.now - replica.link.lastAvailable > kPingPeriods * ms(times.pingPeriod)) return "no recent valid answer";
  if (replica.priority == 0) return "its priority is 0";
  const MonoUs freshFor = masterDown ? kPingPeriods * ms(times.pingPeriod) : kInfoPeriods * ms(times.infoPeriod);
  if (replica.infoAt == 0 || step.now - replica.infoAt > freshFor) return "its INFO is stale";
  if (!replica.everSynced) return "it never finished a synchronization with its master";
  const MonoUs offlineLimit =
      (masterDown ? step.now - master.self->downSince : 0) + kDownAfterPeriods * ms(master.settings.downAfterMs);
  if (replica.masterLinkDownFor > offlineLimit) return "disconnected from the master for too long";
  return {};
}

bool isBetter(const Instance& a, const Instance& b) {
  if (a.saysReplica != b.saysReplica) return a.saysReplica;  // what a master of its own has may be of another history
  if (a.priority != b.priority) return a.priority < b.priority;
  if (a.offset != b.offset) return a.offset > b.offset;
  if (a.runId.empty() != b.runId.empty()) return b.runId.empty();
  return a.runId < b.runId;
}

}  // namespace

ReplicaChoice chooseReplica(const Step& step, const MonitoredMaster& master) {
  ReplicaChoice choice;
  for (const auto& [key, replica] : master.replicas) {
    const std::string_view why = unfitness(step, master, *replica);
    choice.candidates.push_back({replica->name, replica->priority, replica->offset, std::string(why)});
    if (why.empty() && (choice.chosen == nullptr || isBetter(*replica, *choice.chosen))) choice.chosen = replica.get();
  }
  for (FailoverReport::Candidate& candidate : choice.candidates) {
    if (candidate.verdict.empty()) {
      candidate.verdict = candidate.replica == choice.chosen->name ? "chosen" : "fit, but another is better";
    }
  }
  return choice;
}

bool awaitsInfo(const Step& step, const MonitoredMaster& master) {
  return std::ranges::any_of(master.replicas, [&](const auto& entry) {
    const Instance& replica = *entry.second;
    return replica.infoAsked != 0 && replica.link.commands.up() && !replica.down() && replica.priority != 0 &&
           step.now - replica.infoAsked < ms(step.state.times.infoPeriod);
  });
}

}  // namespace vigil::sentinel
