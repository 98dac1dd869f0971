#include "sentinel/watch.h"

#include <algorithm>

#include "wire/sentinel_hello.h"

namespace vigil::sentinel {

namespace {

constexpr int kMaxPending = 100;  // commands without an answer: more are not sent
constexpr MonoUs kShortestPeriod = ms(10);
constexpr MonoUs kInfoWhileWaiting = ms(100);  // for what a failover waits for
constexpr MonoUs kInfoOverdue = ms(1000);      // an INFO without answer does not keep the next one back for longer
constexpr size_t kShownIdDigits = 8;

struct Credentials {
  const std::string& user;
  const std::string& password;
};

Credentials credentialsFor(const Step& step, const Instance& instance) {
  if (instance.role == Role::kSentinel) return {step.state.settings.user, step.state.settings.password};
  return {instance.owner.settings.authUser, instance.owner.settings.authPassword};
}

void authenticate(Step& step, Instance& instance, Channel channel) {
  auto send = [&](std::vector<std::string> words) {
    if (channel == Channel::kCommands) {
      step.send(instance, Request::kSetup, std::move(words));
      return;
    }
    step.out.push_back({.kind = Effect::Kind::kSend,
                        .instance = instance.id,
                        .channel = channel,
                        .attempt = instance.link.messages.attempt,
                        .request = Request::kSetup,
                        .words = std::move(words)});
  };
  const auto [user, password] = credentialsFor(step, instance);
  if (!password.empty()) {
    send(user.empty() ? std::vector<std::string>{"AUTH", password} : std::vector<std::string>{"AUTH", user, password});
  }
  send({"CLIENT", "SETNAME",
        "sentinel-" + step.state.id.substr(0, kShownIdDigits) + (channel == Channel::kCommands ? "-cmd" : "-pubsub")});
  if (channel == Channel::kMessages) send({"SUBSCRIBE", std::string(wire::kHelloChannel)});
}

void sendPing(Step& step, Instance& instance) {
  if (step.send(instance, Request::kPing, {"PING"})) instance.link.pingSent(step.now);
}

MonoUs infoPeriod(const Step& step, const Instance& instance) {
  const MonitoredMaster& master = instance.owner;
  if (instance.role == Role::kReplica) {
    if (master.failover.stage >= Stage::kWaitingForPromotion) return kInfoWhileWaiting;
    if (master.settings.refusedDownAfterMs != 0 && master.self->link.refusedSince != 0 && !master.self->down()) {
      return kInfoWhileWaiting;  // whether its link to the master is down as well decides
    }
    const bool urgent = master.self->down() || master.failover.underWay() || !instance.masterLinkUp;
    if (urgent) return std::min(ms(1000), ms(step.state.times.infoPeriod));
  }
  return ms(step.state.times.infoPeriod);
}

MonoUs reconnectPeriod(const Step& step, const Instance& instance) {
  MonoUs period = pingPeriod(step, instance);
  const int64_t refused = instance.owner.settings.refusedDownAfterMs;
  if (instance.role == Role::kMaster && refused != 0) period = std::min(period, ms(refused) / 5);
  return std::max(period, kShortestPeriod);
}

void reconnect(Step& step, Instance& instance, Channel channel) {
  if (channel == Channel::kMessages && instance.role == Role::kSentinel) return;
  Connection& connection = instance.link.of(channel);
  if (connection.state != Connection::State::kDown || instance.address.port == 0) return;
  if (connection.tried != 0 && step.now - connection.tried < reconnectPeriod(step, instance)) return;
  step.connect(instance, channel);
}

// A connection may look healthy and lead nowhere: another one is tried, at long intervals.
void replaceStuckConnections(Step& step, Instance& instance) {
  Link& link = instance.link;
  const MonoUs patience = ms(step.state.times.minLinkReconnectPeriod);
  const MonoUs half = ms(instance.owner.settings.downAfterMs) / 2;
  for (Channel channel : {Channel::kCommands, Channel::kMessages}) {
    Connection& connection = link.of(channel);
    if (connection.state == Connection::State::kConnecting && step.now - connection.tried > std::max(half, ms(1000))) {
      step.disconnect(instance, channel);  // the attempt hangs
      if (channel == Channel::kCommands) link.refusedSince = 0;
    }
  }
  if (link.commands.up() && step.now - link.commands.upSince > patience && link.firstUnanswered != 0 &&
      step.now - link.firstUnanswered > half && step.now - link.lastPong > half) {
    step.disconnect(instance, Channel::kCommands);
  }
  if (link.messages.up() && step.now - link.messages.upSince > patience &&
      step.now - link.lastHeard > 3 * ms(step.state.times.publishPeriod)) {
    step.disconnect(instance, Channel::kMessages);
  }
}

}  // namespace

MonoUs pingPeriod(const Step& step, const Instance& instance) {
  return std::max(kShortestPeriod,
                  std::min(ms(step.state.times.pingPeriod), ms(instance.owner.settings.downAfterMs) / 10));
}

void askInfo(Step& step, Instance& instance) {
  if (instance.role == Role::kSentinel) return;
  if (instance.infoAsked != 0 && step.now - instance.infoAsked < kInfoOverdue) return;
  if (step.send(instance, Request::kInfo, {"INFO"})) instance.infoAsked = step.now;
}

void askInfoOfReplicas(Step& step, MonitoredMaster& master) {
  for (auto& [key, replica] : master.replicas) askInfo(step, *replica);
}

void sayHello(Step& step, Instance& instance) {
  const GlobalSettings& settings = step.state.settings;
  const std::string& host = settings.announceHost.empty() ? instance.link.localHost : settings.announceHost;
  const uint16_t port = settings.announcePort != 0 ? settings.announcePort : settings.listeningPort;
  if (host.empty() || port == 0) return;
  const MonitoredMaster& master = instance.owner;
  const Address& address = master.currentAddress();
  wire::SentinelHello hello;
  hello.host = host;
  hello.port = port;
  hello.id = step.state.id;
  hello.epoch = step.state.epoch;
  hello.masterName = master.name;
  hello.masterHost = step.shown(address);
  hello.masterPort = address.port;
  hello.masterConfigEpoch = master.configEpoch;
  if (step.send(instance, Request::kHello, {"PUBLISH", std::string(wire::kHelloChannel), wire::formatHello(hello)})) {
    instance.lastHello = step.now;
  }
}

void sayHello(Step& step, MonitoredMaster& master) {
  master.each([&](Instance& instance) { sayHello(step, instance); });
}

void watch(Step& step, Instance& instance) {
  replaceStuckConnections(step, instance);
  reconnect(step, instance, Channel::kCommands);
  reconnect(step, instance, Channel::kMessages);
  const Link& link = instance.link;
  if (!link.commands.up() || link.pending >= kMaxPending) return;
  const MonoUs now = step.now;
  const bool infoDue =
      instance.infoAt == 0 || now - std::max(instance.infoAt, instance.infoAsked) >= infoPeriod(step, instance);
  if (infoDue) askInfo(step, instance);
  if (now - link.lastPing >= pingPeriod(step, instance)) sendPing(step, instance);
  if (now - instance.lastHello >= ms(step.state.times.publishPeriod)) sayHello(step, instance);
}

void onResolved(Instance& instance, const std::string& ip) {
  if (!ip.empty() && instance.address.host != ip) instance.address.ip = ip;
}

void onConnected(Step& step, Instance& instance, const Event& event) {
  Connection& connection = instance.link.of(event.channel);
  connection.state = Connection::State::kUp;
  connection.upSince = step.now;
  onResolved(instance, event.text);
  authenticate(step, instance, event.channel);
  if (event.channel == Channel::kMessages) {
    instance.link.lastHeard = step.now;
    return;
  }
  instance.link.localHost = event.self;
  instance.link.refusedSince = 0;
  if (instance.role == Role::kSentinel && instance.owner.self->down()) instance.owner.askAgainAt = step.now;
  sendPing(step, instance);
  askInfo(step, instance);
}

void onConnectFailed(Step& step, Instance& instance, const Event& event) {
  instance.link.of(event.channel).state = Connection::State::kDown;
  if (event.channel == Channel::kMessages) return;
  instance.link.lost();
  if (!event.refused) {
    instance.link.refusedSince = 0;
  } else if (instance.link.refusedSince == 0) {
    instance.link.refusedSince = step.now;
  }
}

void onBroken(Step& step, Instance& instance, const Event& event) {
  step.disconnect(instance, event.channel);
  if (event.channel == Channel::kCommands) instance.link.lost();
  // Whether it is gone is best seen at once: by its host's answer to the next attempt. But one that closes every
  // connection soon is not to be asked all the time.
  const bool lived = step.now - instance.link.of(event.channel).upSince >= reconnectPeriod(step, instance);
  if (lived && instance.address.port != 0) step.connect(instance, event.channel);
}

void onPingReply(Step& step, Instance& instance, const wire::RespValue& reply) {
  const bool pong = reply.kind == wire::RespValue::Kind::kSimple && reply.text == "PONG";
  const bool busyElsewhere =
      reply.isError() && (reply.text.starts_with("LOADING") || reply.text.starts_with("MASTERDOWN"));
  instance.link.pingAnswered(step.now, pong || busyElsewhere);
  if (pong) instance.rebootedAt = 0;
  // A script that never ends makes a server useless: once it counts as down, the script is stopped, if it can be.
  if (reply.isError() && reply.text.starts_with("BUSY") && instance.down() && !instance.scriptKillSent) {
    if (step.send(instance, Request::kOther, {"SCRIPT", "KILL"})) instance.scriptKillSent = true;
  }
}

}  // namespace vigil::sentinel
