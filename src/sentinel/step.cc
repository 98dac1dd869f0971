#include "sentinel/step.h"

#include <utility>

#include "base/text.h"

namespace vigil::sentinel {

namespace {

std::string_view roleName(Role role) {
  switch (role) {
    case Role::kMaster:
      return "master";
    case Role::kReplica:
      return "slave";
    case Role::kSentinel:
      return "sentinel";
  }
  return "unknown";
}

}  // namespace

std::string joinHostPort(const std::string& host, uint16_t port) {
  const bool isIpv6 = host.find(':') != std::string::npos;
  return (isIpv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string describeInstance(const Step& step, const Instance& instance) {
  std::string text(roleName(instance.role));
  text.append(" ").append(instance.name).append(" ").append(step.shownPair(instance.address));
  if (instance.role != Role::kMaster) {
    text.append(" @ ").append(instance.owner.name).append(" ").append(step.shownPair(instance.owner.self->address));
  }
  return text;
}

void Step::event(LogLevel level, std::string_view type, const Instance* instance, std::string_view text) {
  std::string payload;
  if (instance != nullptr) payload = describeInstance(*this, *instance);
  if (!payload.empty() && !text.empty()) payload += ' ';
  payload += text;
  plainEvent(level, type, instance != nullptr ? &instance->owner : nullptr, std::move(payload));
}

void Step::plainEvent(LogLevel level, std::string_view type, const MonitoredMaster* master, std::string text) {
  log(level, std::string(type) + " " + text);
  if (level == LogLevel::kDebug) return;
  if (level == LogLevel::kWarning && master != nullptr && !master->settings.notificationScript.empty()) {
    runScript({master->settings.notificationScript, std::string(type), text});
  }
  out.push_back({.kind = Effect::Kind::kPublish, .name = std::string(type), .text = std::move(text)});
}

void Step::log(LogLevel level, std::string text) {
  out.push_back({.kind = Effect::Kind::kLog, .level = level, .text = std::move(text)});
}

bool Step::send(Instance& to, Request request, std::vector<std::string> words) {
  if (!to.link.commands.up()) return false;
  const auto& renamed = to.owner.settings.renamedCommands;
  // Other Sentinels know their commands by their own names.
  if (to.role != Role::kSentinel) {
    if (const auto found = renamed.find(toLower(words.front())); found != renamed.end()) words.front() = found->second;
  }
  ++to.link.pending;
  out.push_back({.kind = Effect::Kind::kSend,
                 .instance = to.id,
                 .channel = Channel::kCommands,
                 .attempt = to.link.commands.attempt,
                 .request = request,
                 .words = std::move(words)});
  return true;
}

void Step::connect(Instance& to, Channel channel) {
  Connection& connection = to.link.of(channel);
  connection.state = Connection::State::kConnecting;
  connection.attempt = state.nextAttempt++;
  connection.tried = now;
  out.push_back({.kind = Effect::Kind::kConnect,
                 .instance = to.id,
                 .channel = channel,
                 .attempt = connection.attempt,
                 .address = to.address});
}

void Step::disconnect(Instance& from, Channel channel) {
  Connection& connection = from.link.of(channel);
  if (connection.state == Connection::State::kDown) return;
  connection.state = Connection::State::kDown;
  if (channel == Channel::kCommands) {  // no more answers will come
    from.link.pending = 0;
    from.infoAsked = 0;
    from.answers = from.questions;
    from.confirmAnswered = from.confirmAsked;
  }
  out.push_back(
      {.kind = Effect::Kind::kDisconnect, .instance = from.id, .channel = channel, .attempt = connection.attempt});
}

void Step::runScript(std::vector<std::string> words) {
  out.push_back({.kind = Effect::Kind::kScript, .words = std::move(words)});
}

// splitmix64: enough to spread out what would else happen at once.
uint64_t Step::random(uint64_t below) {
  uint64_t mixed = state.dice += 0x9E3779B97F4A7C15ull;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9ull;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBull;
  return (mixed ^ mixed >> 31) % below;
}

Instance& Step::create(Role role, MonitoredMaster& owner, std::string name, Address address) {
  const InstanceId id = state.nextInstance++;
  auto made = std::make_unique<Instance>(role, id, owner, std::move(name), std::move(address), now);
  Instance& instance = *made;
  state.instances.emplace(id, &instance);
  switch (role) {
    case Role::kMaster:
      owner.self = std::move(made);
      break;
    case Role::kReplica:
      owner.replicas[instance.name] = std::move(made);
      break;
    case Role::kSentinel:
      owner.sentinels[instance.name] = std::move(made);
      break;
  }
  return instance;
}

void Step::forget(Instance& instance) {
  disconnect(instance, Channel::kCommands);
  disconnect(instance, Channel::kMessages);
  state.instances.erase(instance.id);
}

}  // namespace vigil::sentinel
