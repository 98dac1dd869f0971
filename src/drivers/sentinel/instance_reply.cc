#include "drivers/sentinel/instance_reply.h"

#include <string>
#include <string_view>

namespace vigil::drivers {

using sentinel::Instance;
using sentinel::MonitoredMaster;
using sentinel::Reconfiguration;
using sentinel::Role;
using sentinel::Stage;

namespace {

class Fields {
 public:
  explicit Fields(command::Reply& reply) : reply_(reply), mark_(reply.mark()) {}
  ~Fields() { reply_.mapAt(mark_, count_); }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  void text(std::string_view name, std::string_view value) {
    reply_.bulk(name);
    reply_.bulk(value);
    ++count_;
  }
  void number(std::string_view name, int64_t value) { text(name, std::to_string(value)); }
  // How long ago that was, in milliseconds; 0: never.
  void since(std::string_view name, MonoUs now, MonoUs at) { number(name, at == 0 ? 0 : (now - at) / 1000); }

 private:
  command::Reply& reply_;
  const size_t mark_;
  size_t count_ = 0;
};

std::string flagsOf(const Instance& instance) {
  const MonitoredMaster& master = instance.owner;
  const bool isMaster = instance.role == Role::kMaster;
  std::string flags;
  auto add = [&](bool set, std::string_view name) {
    if (!set) return;
    if (!flags.empty()) flags += ',';
    flags += name;
  };
  add(instance.down(), "s_down");
  add(isMaster && master.objectivelyDown(), "o_down");
  add(isMaster, "master");
  add(instance.role == Role::kReplica, "slave");
  add(instance.role == Role::kSentinel, "sentinel");
  add(!instance.link.commands.up() || (instance.role != Role::kSentinel && !instance.link.messages.up()), "disconnected");
  add(instance.seesMasterDown, "master_down");
  add(isMaster && master.failover.underWay(), "failover_in_progress");
  add(instance.promoted, "promoted");
  add(instance.reconfiguration == Reconfiguration::kSent, "reconf_sent");
  add(instance.reconfiguration == Reconfiguration::kInProgress, "reconf_inprog");
  add(instance.reconfiguration == Reconfiguration::kDone, "reconf_done");
  add(isMaster && master.failover.forced, "force_failover");
  add(instance.scriptKillSent, "script_kill_sent");
  add(instance.rebootedAt != 0, "master_reboot");
  return flags;
}

std::string_view stageName(Stage stage) {
  switch (stage) {
    case Stage::kNone:
      return "none";
    case Stage::kElecting:
      return "wait_start";
    case Stage::kChoosing:
      return "select_slave";
    case Stage::kSendingPromotion:
      return "send_slaveof_noone";
    case Stage::kWaitingForPromotion:
      return "wait_promotion";
    case Stage::kRepointing:
      return "reconf_slaves";
  }
  return "unknown";
}

void addMaster(Fields& fields, const MonitoredMaster& master) {
  fields.number("config-epoch", static_cast<int64_t>(master.configEpoch));
  fields.number("num-slaves", static_cast<int64_t>(master.replicas.size()));
  fields.number("num-other-sentinels", static_cast<int64_t>(master.sentinels.size()));
  fields.number("quorum", master.settings.quorum);
  fields.number("failover-timeout", master.settings.failoverTimeoutMs);
  fields.number("parallel-syncs", master.settings.parallelSyncs);
  if (const auto& script = master.settings.notificationScript; !script.empty()) {
    fields.text("notification-script", script);
  }
  if (const auto& script = master.settings.reconfigScript; !script.empty()) {
    fields.text("client-reconfig-script", script);
  }
}

void addReplica(Fields& fields, const Instance& replica) {
  fields.number("master-link-down-time", replica.masterLinkDownFor / 1000);
  fields.text("master-link-status", replica.masterLinkUp ? "ok" : "err");
  fields.text("master-host", replica.masterHost.empty() ? "?" : replica.masterHost);
  fields.number("master-port", replica.masterPort);
  fields.number("slave-priority", replica.priority);
  fields.number("slave-repl-offset", static_cast<int64_t>(replica.offset));
  fields.number("replica-announced", replica.announced ? 1 : 0);
}

void addSentinel(Fields& fields, MonoUs now, const Instance& sentinel) {
  fields.since("last-hello-message", now, sentinel.heardHello);
  fields.text("voted-leader", sentinel.vote.empty() ? "?" : sentinel.vote);
  fields.number("voted-leader-epoch", static_cast<int64_t>(sentinel.voteEpoch));
}

}  // namespace

void replyInstance(command::Reply& reply, const sentinel::State& state, MonoUs now, const Instance& instance) {
  const MonitoredMaster& master = instance.owner;
  const auto& address = instance.address;
  Fields fields(reply);
  fields.text("name", instance.name);
  fields.text("ip", state.settings.announceHostnames ? address.host : address.numeric());
  fields.number("port", address.port);
  fields.text("runid", instance.runId);
  fields.text("flags", flagsOf(instance));
  fields.number("link-pending-commands", instance.link.pending);
  fields.number("link-refcount", 1);
  if (instance.role == Role::kMaster && master.failover.underWay()) {
    fields.text("failover-state", stageName(master.failover.stage));
  }
  fields.since("last-ping-sent", now, instance.link.firstUnanswered);
  fields.since("last-ok-ping-reply", now, instance.link.lastAvailable);
  fields.since("last-ping-reply", now, instance.link.lastPong);
  if (instance.down()) fields.since("s-down-time", now, instance.downSince);
  if (instance.role == Role::kMaster && master.objectivelyDown()) {
    fields.since("o-down-time", now, master.objectivelyDownSince);
  }
  fields.number("down-after-milliseconds", master.settings.downAfterMs);
  if (instance.role == Role::kSentinel) return addSentinel(fields, now, instance);
  fields.since("info-refresh", now, instance.infoAt);
  fields.text("role-reported", instance.saysReplica ? "slave" : "master");
  fields.since("role-reported-time", now, instance.roleSince);
  if (instance.role == Role::kMaster) return addMaster(fields, master);
  addReplica(fields, instance);
}

}  // namespace vigil::drivers
