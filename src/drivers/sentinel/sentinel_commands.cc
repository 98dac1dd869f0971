#include "drivers/sentinel/sentinel_commands.h"

#include "base/text.h"
#include "drivers/sentinel/instance_reply.h"
#include "drivers/sentinel/sentinel_driver.h"
#include "drivers/sentinel/sentinel_subcommands.h"
#include "sentinel/administration.h"
#include "sentinel/discovery.h"
#include "sentinel/judgement.h"
#include "wire/sentinel_hello.h"

namespace vigil::drivers {

using sentinel::Instance;
using sentinel::MonitoredMaster;
using sentinel::Step;

SentinelDriver& driverOf(command::Context& ctx) { return ctx.owner<SentinelDriver>(); }

MonitoredMaster* masterOf(command::Context& ctx) {
  MonitoredMaster* master = driverOf(ctx).state().find(ctx.arg(2));
  if (master == nullptr) ctx.reply().error("ERR No such master with that name");
  return master;
}

namespace {

using namespace command;  // the flags of the rows

void masters(Context& ctx) {
  SentinelDriver& driver = driverOf(ctx);
  ctx.reply().array(driver.state().masters.size());
  for (const auto& [name, master] : driver.state().masters) {
    replyInstance(ctx.reply(), driver.state(), driver.now(), *master->self);
  }
}

void master(Context& ctx) {
  if (const MonitoredMaster* found = masterOf(ctx)) {
    replyInstance(ctx.reply(), driverOf(ctx).state(), driverOf(ctx).now(), *found->self);
  }
}

void replyAll(Context& ctx, const MonitoredMaster::Instances& instances) {
  const size_t mark = ctx.reply().mark();
  size_t count = 0;
  for (const auto& [name, instance] : instances) {
    if (!instance->announced) continue;  // replica-announced no
    replyInstance(ctx.reply(), driverOf(ctx).state(), driverOf(ctx).now(), *instance);
    ++count;
  }
  ctx.reply().arrayAt(mark, count);
}

void replicas(Context& ctx) {
  if (const MonitoredMaster* found = masterOf(ctx)) replyAll(ctx, found->replicas);
}

void sentinels(Context& ctx) {
  if (const MonitoredMaster* found = masterOf(ctx)) replyAll(ctx, found->sentinels);
}

void myId(Context& ctx) { ctx.reply().bulk(driverOf(ctx).state().id); }

void masterAddress(Context& ctx) {
  const sentinel::State& state = driverOf(ctx).state();
  const MonitoredMaster* found = state.find(ctx.arg(2));
  if (found == nullptr) return ctx.reply().nullArray();
  const sentinel::Address& address = found->currentAddress();
  ctx.reply().array(2);
  ctx.reply().bulk(state.settings.announceHostnames ? address.host : address.numeric());
  ctx.reply().bulk(static_cast<int64_t>(address.port));
}

void replyDown(Reply& reply, const sentinel::DownAnswer& answer) {
  reply.array(3);
  reply.integer(answer.down ? 1 : 0);
  reply.bulk(answer.leader);
  reply.integer(static_cast<int64_t>(answer.leaderEpoch));
}

void isMasterDown(Context& ctx) {
  const auto port = parseInt64(ctx.arg(3));
  const auto epoch = parseInt64(ctx.arg(4));
  if (!port || !epoch) return ctx.reply().notInteger();
  sentinel::DownAnswer answer;
  const std::string candidate(ctx.arg(5));
  const bool possible = *port >= 0 && *port <= 65535;
  driverOf(ctx).perform([&](Step& step) {
    answer = sentinel::answerDownQuestion(step, ctx.arg(2), possible ? static_cast<uint16_t>(*port) : uint16_t{0},
                                          static_cast<uint64_t>(std::max<int64_t>(0, *epoch)), candidate);
  });
  if (candidate == "*") return replyDown(ctx.reply(), answer);
  driverOf(ctx).answerWhenKept(ctx, [answer](Reply& reply, bool kept) {
    // A vote that could be forgotten is none.
    replyDown(reply, kept ? answer : sentinel::DownAnswer{.down = answer.down});
  });
}

void checkQuorum(Context& ctx) {
  const MonitoredMaster* found = masterOf(ctx);
  if (found == nullptr) return;
  const sentinel::QuorumCheck check = sentinel::checkQuorum(*found);
  const std::string usable = std::to_string(check.usable) + " usable Sentinels. ";
  if (check.quorum && check.majority) {
    return ctx.reply().simple("OK " + usable + "Quorum and failover authorization can be reached");
  }
  std::string why;
  if (!check.quorum) why = "Not enough available Sentinels to reach the specified quorum for this master";
  if (!check.majority) {
    if (!why.empty()) why += ". ";
    why += "Not enough available Sentinels to reach the majority and authorize a failover";
  }
  ctx.reply().error("NOQUORUM " + usable + why);
}

void replyInfoCache(Context& ctx, const MonitoredMaster& master) {
  const MonoUs now = driverOf(ctx).now();
  auto one = [&](const Instance& instance) {
    ctx.reply().array(2);
    ctx.reply().integer(instance.infoAt == 0 ? 0 : (now - instance.infoAt) / 1000);
    if (instance.infoAt == 0) return ctx.reply().null();
    ctx.reply().bulk(instance.infoText);
  };
  ctx.reply().bulk(master.name);
  ctx.reply().array(master.replicas.size() + 1);
  one(*master.self);
  for (const auto& [key, replica] : master.replicas) one(*replica);
}

void infoCache(Context& ctx) {
  std::vector<const MonitoredMaster*> found;
  for (std::string_view name : ctx.args().subspan(2)) {
    if (const MonitoredMaster* master = driverOf(ctx).state().find(name)) found.push_back(master);
  }
  ctx.reply().array(found.size() * 2);
  for (const MonitoredMaster* master : found) replyInfoCache(ctx, *master);
}

void replyScript(Context& ctx, const sentinel::ScriptQueue::Job& job) {
  const MonoUs now = driverOf(ctx).now();
  auto& reply = ctx.reply();
  reply.map(5);
  reply.bulk("argv");
  reply.array(job.words.size());
  for (const std::string& word : job.words) reply.bulk(word);
  reply.bulk("flags");
  reply.bulk(job.running() ? "running" : "scheduled");
  reply.bulk("pid");
  reply.bulk(job.pid);
  reply.bulk(job.running() ? "run-time" : "run-delay");
  reply.bulk(job.running() ? (now - job.since) / 1000 : std::max<int64_t>(0, job.since - now) / 1000);
  reply.bulk("retry-num");
  reply.bulk(static_cast<int64_t>(job.tries));
}

void pendingScripts(Context& ctx) {
  const auto& jobs = driverOf(ctx).scripts().jobs();
  ctx.reply().array(jobs.size());
  for (const auto& job : jobs) replyScript(ctx, job);
}

void role(Context& ctx) {
  const auto& known = driverOf(ctx).state().masters;
  ctx.reply().array(2);
  ctx.reply().bulk("sentinel");
  ctx.reply().array(known.size());
  for (const auto& [name, master] : known) ctx.reply().bulk(name);
}

void publish(Context& ctx) {
  if (ctx.arg(1) != wire::kHelloChannel) {
    return ctx.reply().error("ERR Only HELLO messages are accepted by Sentinel instances.");
  }
  driverOf(ctx).perform([&](Step& step) { sentinel::onHello(step, ctx.arg(2)); });
  ctx.reply().integer(1);
}

constexpr uint64_t kFlags = kAdmin | kOnlySentinel | kNoLocks;

constexpr CommandSpec query(std::string_view name, int arity, Handler handler, std::string_view since,
                            std::string_view summary, std::string_view arguments = {}) {
  CommandSpec spec;
  spec.name = name;
  spec.arity = arity;
  spec.flags = kFlags;
  spec.categories = kCatAdmin | kCatDangerous;
  spec.handler = handler;
  spec.group = "sentinel";
  spec.since = since;
  spec.summary = summary;
  spec.complexity = "O(1)";
  spec.arguments = arguments;
  return spec;
}

constexpr CommandSpec kSubcommands[] = {
    query("ckquorum", 3, checkQuorum, "2.8.4", "Checks for a Redis Sentinel quorum.", "master-name:string"),
    query("config", -3, changeConfig, "6.2.0", "Configures Redis Sentinel."),
    query("debug", -2, debugTimes, "7.0.0", "Lists or updates the current configurable parameters of Redis Sentinel."),
    query("failover", -3, failover, "2.8.4", "Forces a Redis Sentinel failover.", "master-name:string [COORDINATED]"),
    query("failover-report", 3, failoverReport, "7.2.4", "Returns what happened in the last failover of a master.",
          "master-name:string"),
    query("flushconfig", 2, flushConfig, "2.8.4", "Rewrites the Redis Sentinel configuration file."),
    query("get-master-addr-by-name", 3, masterAddress, "2.8.4",
          "Returns the port and address of a master Redis instance.", "master-name:string"),
    query("help", 2, sentinelHelp, "6.2.0", "Returns helpful text about the different subcommands."),
    query("info-cache", -3, infoCache, "3.2.0", "Returns the cached `INFO` replies from the deployment's instances.",
          "nodename:string+"),
    query("is-master-down-by-addr", 6, isMasterDown, "2.8.4", "Determines whether a master Redis instance is down.",
          "ip:string port:integer current-epoch:integer runid:string"),
    query("master", 3, master, "2.8.4", "Returns the state of a master Redis instance.", "master-name:string"),
    query("masters", 2, masters, "2.8.4", "Returns a list of monitored Redis masters."),
    query("monitor", 6, monitor, "2.8.4", "Starts monitoring.", "name:string ip:string port:integer quorum:integer"),
    query("myid", 2, myId, "6.2.0", "Returns the Redis Sentinel instance ID."),
    query("pending-scripts", 2, pendingScripts, "2.8.4",
          "Returns information about pending scripts for Redis Sentinel."),
    query("remove", 3, remove, "2.8.4", "Stops monitoring.", "master-name:string"),
    query("replicas", 3, replicas, "5.0.0", "Returns a list of the monitored Redis replicas.", "master-name:string"),
    query("reset", 3, reset, "2.8.4", "Resets Redis masters by name matching a pattern.", "pattern:pattern"),
    query("sentinels", 3, sentinels, "2.8.4", "Returns a list of Sentinel instances.", "master-name:string"),
    query("set", -5, set, "2.8.4", "Changes the configuration of a monitored Redis master.",
          "master-name:string data:{option:string value:string}+"),
    query("simulate-failure", -3, simulateFailure, "3.2.0", "Simulates failover scenarios."),
    query("slaves", 3, replicas, "2.8.0", "Returns a list of the monitored replicas.", "master-name:string"),
};

constexpr CommandSpec kCommands[] = {
    {.name = "sentinel",
     .arity = -2,
     .flags = kAdmin | kOnlySentinel,
     .subcommands = kSubcommands,
     .group = "sentinel",
     .since = "2.8.4",
     .summary = "A container for Redis Sentinel commands.",
     .complexity = "Depends on subcommand."},
    {.name = "publish",
     .arity = 3,
     .flags = kPubsub | kLoading | kStale | kFast | kMayReplicate | kSentinel | kNoLocks,
     .handler = publish,
     .group = "pubsub",
     .since = "2.0.0",
     .summary = "Posts a message to a channel.",
     .complexity = "O(1)",
     .arguments = "channel message"},
    {.name = "role",
     .arity = 1,
     .flags = kNoscript | kLoading | kStale | kFast | kSentinel | kNoLocks,
     .categories = kCatFast | kCatAdmin | kCatDangerous,
     .handler = role,
     .group = "server",
     .since = "2.8.12",
     .summary = "Returns the replication role.",
     .complexity = "O(1)"},
};

}  // namespace

std::span<const CommandSpec> sentinelCommands() { return kCommands; }

}  // namespace vigil::drivers
