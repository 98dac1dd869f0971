#include "sentinel/virtual_world.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace vigil::sentinel {

using wire::RespValue;

namespace {

RespValue text(RespValue::Kind kind, std::string bytes) {
  RespValue value;
  value.kind = kind;
  value.text = std::move(bytes);
  return value;
}
RespValue simple(std::string bytes) { return text(RespValue::Kind::kSimple, std::move(bytes)); }
RespValue bulk(std::string bytes) { return text(RespValue::Kind::kBulk, std::move(bytes)); }
RespValue integer(int64_t number) {
  RespValue value;
  value.kind = RespValue::Kind::kInteger;
  value.integer = number;
  return value;
}

std::string runId(uint16_t port, uint64_t life) {
  std::string digits = std::to_string(port) + std::to_string(life);
  return digits + std::string(40 - digits.size(), 'a');
}

}  // namespace

VirtualWorld::VirtualWorld(size_t replicas, size_t sentinels, const std::string& settings, uint64_t seed)
    : dice_(seed) {
  for (size_t i = 0; i <= replicas; ++i) {
    const auto port = static_cast<uint16_t>(kMasterPort + i);
    servers_[port] = {
        .port = port, .isReplica = i != 0, .master = i != 0 ? kMasterPort : uint16_t{0}, .runId = runId(port, 1)};
  }
  const std::string quorum = std::to_string(sentinels / 2 + 1);
  nodes_.resize(sentinels);
  for (size_t i = 0; i < sentinels; ++i) {
    Node& node = nodes_[i];
    node.port = static_cast<uint16_t>(kFirstSentinelPort + i);
    node.id = std::string(39, 'b') + static_cast<char>('0' + i);
    node.offset = static_cast<MonoUs>(i) * 12'345'678;
    node.nextTick = now_ + static_cast<MonoUs>(random(20'000));
    node.core = std::make_unique<Sentinel>(random(UINT64_MAX));
    std::vector<ConfigLine> lines = {{"monitor", "m", "10.0.0.1", std::to_string(kMasterPort), quorum}};
    auto words = splitArguments(settings);
    for (size_t w = 0; w + 1 < words->size(); w += 2) lines.push_back({(*words)[w], "m", (*words)[w + 1]});
    perform(node, [&](Step& step) {
      step.state.settings.listeningPort = node.port;
      const auto loaded = loadLines(step, lines, [](const std::string&) { return true; });
      EXPECT_TRUE(loaded);
      begin(step, node.id);
    });
  }
}

uint64_t VirtualWorld::random(uint64_t below) {
  dice_ = dice_ * 6364136223846793005ull + 1442695040888963407ull;
  return (dice_ >> 33) % below;
}

VirtualWorld::Node* VirtualWorld::nodeAt(uint16_t port) {
  for (Node& node : nodes_) {
    if (node.port == port) return &node;
  }
  return nullptr;
}

VirtualWorld::Health VirtualWorld::healthOf(uint16_t port) const {
  if (const auto found = servers_.find(port); found != servers_.end()) return found->second.health;
  return nodes_[port - kFirstSentinelPort].health;
}

void VirtualWorld::setHealth(uint16_t port, Health health) {
  if (const auto found = servers_.find(port); found != servers_.end()) {
    if (found->second.health == Health::kDead && health == Health::kUp)
      found->second.runId = runId(port, now_ % 100'000);
    found->second.health = health;
  } else {
    nodes_[port - kFirstSentinelPort].health = health;
  }
}

void VirtualWorld::break_(uint16_t port, Health health) {
  setHealth(port, health);
  for (auto& [key, wire] : wires_) {
    if (wire.to != port || !wire.up) continue;
    wire.up = false;
    Event broken{.kind = Event::Kind::kBroken, .instance = std::get<1>(key), .channel = std::get<2>(key)};
    broken.attempt = wire.attempt;
    later(now_ + delay(), [this, node = std::get<0>(key), broken] { step(node, broken); });
  }
}

bool VirtualWorld::runUntil(const std::function<bool()>& condition, MonoUs within) {
  const MonoUs end = now_ + within;
  while (now_ < end) {
    if (condition()) return true;
    MonoUs next = end;
    for (Node& node : nodes_) {
      const MonoUs wake = node.core->nextWake();
      const MonoUs due =
          wake == INT64_MAX ? node.nextTick : std::min(node.nextTick, std::max(now_ + 100, wake - node.offset));
      next = std::min(next, due);
      node.nextTick = due;
    }
    if (!agenda_.empty() && agenda_.begin()->first.first <= next) {
      auto entry = agenda_.extract(agenda_.begin());
      now_ = std::max(now_, entry.key().first);
      entry.mapped()();
      continue;
    }
    now_ = next;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].nextTick > now_) continue;
      nodes_[i].nextTick = now_ + kTickPeriod;
      if (nodes_[i].health == Health::kUp) step(i, {.kind = Event::Kind::kTick});
    }
  }
  return condition();
}

void VirtualWorld::perform(Node& node, const std::function<void(Step&)>& act) {
  carryOut(indexOf(node), node.core->perform(now_ + node.offset, act));
}

void VirtualWorld::step(size_t node, const Event& event) {
  if (nodes_[node].health != Health::kUp) return;
  carryOut(node, nodes_[node].core->step(now_ + nodes_[node].offset, event));
}

void VirtualWorld::carryOut(size_t node, const Effects& effects) {
  for (const Effect& effect : effects) {
    const WireKey key{node, effect.instance, effect.channel};
    switch (effect.kind) {
      case Effect::Kind::kPublish:
        nodes_[node].events.push_back(effect.name + " " + effect.text);
        if (effect.name == "+elected-leader") {
          const MonitoredMaster& master = *nodes_[node].core->state().find("m");
          if (!master.failover.forced) leaders_[master.failover.epoch].insert(nodes_[node].id);
        }
        break;
      case Effect::Kind::kConnect:
        connect(node, effect);
        break;
      case Effect::Kind::kDisconnect:
        wires_[key].up = false;
        break;
      case Effect::Kind::kSend:
        send(node, effect);
        break;
      case Effect::Kind::kPersist:
      case Effect::Kind::kLog:
      case Effect::Kind::kScript:
      case Effect::Kind::kExit:
        break;
    }
  }
}

void VirtualWorld::connect(size_t node, const Effect& effect) {
  Wire& wire = wires_[{node, effect.instance, effect.channel}];
  wire = {.to = effect.address.port, .attempt = effect.attempt, .lastArrival = now_};
  Event event{.instance = effect.instance, .channel = effect.channel, .attempt = effect.attempt};
  const Health health = healthOf(wire.to);
  if (health == Health::kHung) return;  // the attempt hangs as well
  event.kind = health == Health::kUp ? Event::Kind::kConnected : Event::Kind::kConnectFailed;
  event.refused = health == Health::kDead;
  event.text = "10.0.0.1";
  event.self = "10.0.0.1";
  wire.up = health == Health::kUp;
  later(now_ + delay(), [this, node, event] { step(node, event); });
}

void VirtualWorld::send(size_t node, const Effect& effect) {
  Wire& wire = wires_[{node, effect.instance, effect.channel}];
  if (!wire.up || wire.attempt != effect.attempt) return;
  if (drops && random(10) == 0) {
    wire.up = false;
    Event broken{.kind = Event::Kind::kBroken, .instance = effect.instance, .channel = effect.channel};
    broken.attempt = effect.attempt;
    return later(now_ + delay(), [this, node, broken] { step(node, broken); });
  }
  wire.lastArrival = std::max(wire.lastArrival + 1, now_ + delay());
  later(wire.lastArrival, [this, node, effect, to = wire.to] { arrive(node, effect, to); });
}

void VirtualWorld::arrive(size_t node, const Effect& effect, uint16_t at) {
  Wire& wire = wires_[{node, effect.instance, effect.channel}];
  if (!wire.up || wire.attempt != effect.attempt || healthOf(at) != Health::kUp) return;
  if (effect.channel == Channel::kMessages) return;  // SUBSCRIBE: whoever has the wire hears
  Event reply{.kind = Event::Kind::kReply, .instance = effect.instance, .channel = effect.channel};
  reply.attempt = effect.attempt;
  reply.request = effect.request;
  reply.reply = answer(node, effect, at);
  wire.lastArrival = std::max(wire.lastArrival + 1, now_ + delay());
  later(wire.lastArrival, [this, node, reply = std::move(reply)] { step(node, reply); });
}

RespValue VirtualWorld::answer(size_t node, const Effect& effect, uint16_t at) {
  if (Node* asked = nodeAt(at)) return answerOfSentinel(*asked, effect.words);
  Server& server = servers_.at(at);
  if (effect.words[0] == "PUBLISH") {
    publish(server, effect.words[2]);
    return integer(1);
  }
  if (effect.words[0] == "FAILOVER") {
    Server& target = servers_.at(static_cast<uint16_t>(std::stoi(effect.words[3])));
    target.isReplica = false;
    server.isReplica = true;
    server.master = target.port;
    return simple("OK");
  }
  (void)node;
  return answerOfServer(server, effect.words);
}

RespValue VirtualWorld::answerOfServer(Server& server, const std::vector<std::string>& words) {
  if (words[0] == "PING") return simple("PONG");
  if (words[0] == "INFO") return bulk(info(server));
  if (words[0] == "SLAVEOF") {
    server.isReplica = words[1] != "NO";
    server.master = server.isReplica ? static_cast<uint16_t>(std::stoi(words[2])) : uint16_t{0};
  }
  return simple("OK");
}

RespValue VirtualWorld::answerOfSentinel(Node& asked, const std::vector<std::string>& words) {
  if (words[0] == "PING") return simple("PONG");
  if (words[0] == "PUBLISH") {
    perform(asked, [&](Step& step) { onHello(step, words[2]); });
    return integer(1);
  }
  if (words[0] != "SENTINEL") return simple("OK");
  DownAnswer down;
  perform(asked, [&](Step& step) {
    down =
        answerDownQuestion(step, words[2], static_cast<uint16_t>(std::stoi(words[3])), std::stoull(words[4]), words[5]);
  });
  RespValue reply;
  reply.kind = RespValue::Kind::kArray;
  reply.items = {integer(down.down ? 1 : 0), bulk(down.leader), integer(static_cast<int64_t>(down.leaderEpoch))};
  return reply;
}

void VirtualWorld::publish(Server& server, const std::string& text) {
  for (auto& [key, wire] : wires_) {
    const auto [node, instance, channel] = key;
    if (channel != Channel::kMessages || !wire.up || wire.to != server.port) continue;
    Event message{.kind = Event::Kind::kMessage, .instance = instance, .channel = channel, .attempt = wire.attempt};
    message.text = text;
    later(now_ + delay(), [this, node, message] { step(node, message); });
  }
}

std::string VirtualWorld::info(const Server& server) const {
  std::string text = "run_id:" + server.runId + "\r\n";
  if (server.isReplica) {
    const Server& master = servers_.at(server.master);
    const bool up = master.health == Health::kUp && !master.isReplica;
    text += "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:" + std::to_string(server.master) +
            "\r\nmaster_link_status:" + (up ? "up" : "down") + "\r\n";
    if (!up) text += "master_link_down_since_seconds:1\r\n";
    return text + "slave_repl_offset:" + std::to_string(server.offset) +
           "\r\nslave_priority:" + std::to_string(server.priority) + "\r\n";
  }
  text += "role:master\r\nmaster_repl_offset:" + std::to_string(server.offset) + "\r\n";
  int number = 0;
  for (const auto& [port, other] : servers_) {
    if (!other.isReplica || other.master != server.port || other.health == Health::kDead) continue;
    text += "slave" + std::to_string(number++) + ":ip=10.0.0.1,port=" + std::to_string(port) + ",state=online\r\n";
  }
  return text;
}

bool VirtualWorld::settled() {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (master(i).sentinels.size() + 1 != nodes_.size() || master(i).replicas.size() + 1 != servers_.size())
      return false;
    bool connected = true;
    master(i).each([&](Instance& instance) {
      connected =
          connected && instance.link.commands.up() && (instance.role == Role::kSentinel || instance.infoAt != 0);
    });
    if (!connected) return false;
  }
  return true;
}

bool VirtualWorld::converged(uint16_t port) {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].health == Health::kUp && master(i).self->address.port != port) return false;
  }
  for (const auto& [itsPort, server] : servers_) {
    if (server.health != Health::kUp) continue;
    if (itsPort == port ? server.isReplica : !server.isReplica || server.master != port) return false;
  }
  return true;
}

bool VirtualWorld::saw(size_t node, const std::string& event) const {
  return std::ranges::any_of(nodes_[node].events, [&](const std::string& e) { return e.starts_with(event); });
}

namespace {

TEST(VirtualWorldTest, SentinelsFindEachOtherAndTheReplicas) {
  VirtualWorld world(2, 3, "down-after-milliseconds 1000", 1);
  EXPECT_TRUE(world.runUntil([&] { return world.settled(); }, ms(5000)));
  world.run(ms(20'000));
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(world.saw(i, "+sdown"));
    EXPECT_FALSE(world.saw(i, "+tilt"));
  }
}

}  // namespace

}  // namespace vigil::sentinel
