#include "drivers/sentinel/sentinel_driver.h"

#include <algorithm>
#include <ctime>
#include <set>

#include "base/config.h"
#include "base/ports/entropy.h"
#include "drivers/sentinel/sentinel_commands.h"
#include "engine/deferred_reply.h"
#include "sentinel/administration.h"

namespace vigil::drivers {

using sentinel::Effect;
using sentinel::Effects;
using sentinel::Event;

namespace {

constexpr size_t kIdDigits = 40;
constexpr MonoUs kTimerResolution = 200;  // sooner than that is now

// Whether others learn from it what we must not forget: an epoch, a vote, who the master is.
bool tellsState(sentinel::Request request) {
  using Request = sentinel::Request;
  switch (request) {
    case Request::kHello:
    case Request::kAskDown:
    case Request::kConfirm:
    case Request::kChangeRole:
    case Request::kFailover:
      return true;
    case Request::kSetup:
    case Request::kPing:
    case Request::kInfo:
    case Request::kOther:
      return false;
  }
  return true;
}

}  // namespace

SentinelDriver::SentinelDriver(engine::Engine& engine, SentinelOptions& options, Surroundings surroundings)
    : engine_(engine),
      options_(options),
      surroundings_(std::move(surroundings)),
      core_(engine.system().entropy.next64()),
      keeper_(engine.system(), engine.logger(), surroundings_.registry, surroundings_.configFile),
      scripts_(surroundings_.processes,
               [this](LogLevel level, std::string_view type, const std::string& text) { tell(level, type, text); }) {
  options_.stateLines = [this] { return sentinel::stateLines(core_.state()); };
}

SentinelDriver::~SentinelDriver() { options_.stateLines = nullptr; }

void SentinelDriver::registerCommands() {
  engine_.addCommands(sentinelCommands(), this);
  addInfo();
}

Status SentinelDriver::start() {
  loop_ = &engine_.control();
  // The loop does not run yet, and with it its clock stands.
  Effects effects = core_.perform(engine_.system().clock.mono(), [&](sentinel::Step& step) {
    step.state.settings.listeningPort = surroundings_.port();
    // They were checked when all had been read; a script may be gone since then.
    (void)sentinel::loadLines(step, options_.lines, [](const std::string&) { return true; });
    sentinel::begin(step, engine_.system().entropy.hex(kIdDigits));
  });
  options_.lines.clear();
  // Nothing is told before the state is there.
  if (auto kept = keeper_.start(*loop_); !kept) {
    engine_.logger().warning("WARNING: Sentinel was not able to save the new configuration on disk!!!: " +
                             kept.error().message);
    return fail("Sentinel config file " + surroundings_.configFile + " cannot be replaced. Exiting...");
  }
  std::erase_if(effects, [](const Effect& effect) { return effect.kind == Effect::Kind::kPersist; });
  carryOut(std::move(effects));
  return {};
}

void SentinelDriver::run() { tick(); }

void SentinelDriver::stop() {
  loop_->cancel(timer_);
  keeper_.stop();
  connections_.clear();
}

void SentinelDriver::tick() {
  timer_ = 0;
  tickedAt_ = loop_->now();
  carryOut(core_.step(loop_->now(), {.kind = Event::Kind::kTick}));
  scripts_.step([this] { return loop_->now(); }, state().times);
  schedule();
}

// The timer rings with the regular tick, or when the core has something to decide before that.
void SentinelDriver::schedule() {
  const MonoUs now = loop_->now();
  MonoUs at = std::min(tickedAt_ + sentinel::kTickPeriod, core_.nextWake());
  at = std::max(at, now + kTimerResolution);
  if (timer_ != 0 && wakeAt_ <= at) return;
  loop_->cancel(timer_);
  wakeAt_ = at;
  timer_ = loop_->after(at - now, [this] { tick(); });
}

void SentinelDriver::onEvent(const Event& event) {
  carryOut(core_.step(loop_->now(), event));
  schedule();
}

void SentinelDriver::carryOut(Effects effects) {
  Effects sent, held;
  for (Effect& effect : effects) {
    switch (effect.kind) {
      case Effect::Kind::kPersist:
        keeper_.changed();
        break;
      case Effect::Kind::kLog:
        engine_.logger().log(effect.level, effect.text + (effect.moment != 0 ? " " + dateOf(effect.moment) : ""));
        break;
      case Effect::Kind::kPublish:
        publish(effect.name, effect.text);
        break;
      case Effect::Kind::kConnect:
        connect(effect);
        break;
      case Effect::Kind::kDisconnect:
        disconnect({effect.instance, effect.channel}, effect.attempt);
        break;
      case Effect::Kind::kSend:
        if (tellsState(effect.request) && !keeper_.settled()) {
          held.push_back(std::move(effect));
        } else {
          send(effect);
          sent.push_back(std::move(effect));
        }
        break;
      case Effect::Kind::kScript:
        scripts_.add(now(), effect.words);
        break;
      case Effect::Kind::kExit:
        held.push_back(std::move(effect));
        break;
    }
  }
  flush(sent);
  if (!held.empty()) {
    keeper_.whenKept([this, held = std::move(held)](bool kept) { carryOutHeld(held, kept); });
  }
  keeper_.write();
}

// "Thu Nov 26 23:52:43 2026", in local time.
std::string SentinelDriver::dateOf(MonoUs moment) const {
  const Clock& clock = engine_.system().clock;
  const UnixUs wall = clock.wall() + (moment - clock.mono());
  const auto local = static_cast<std::time_t>(wall / 1'000'000 + surroundings_.utcOffset(wall));
  std::tm parts{};
  gmtime_r(&local, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &parts)};
}

void SentinelDriver::carryOutHeld(const Effects& effects, bool kept) {
  for (const Effect& effect : effects) {
    if (effect.kind == Effect::Kind::kExit) {
      engine_.logger().warning("Sentinel CRASH because of SENTINEL simulate-failure");
      surroundings_.crash();
    } else if (kept) {
      send(effect);
    } else {
      refuse(effect);
    }
  }
  flush(effects);
}

void SentinelDriver::answerWhenKept(command::Context& ctx,
                                    std::move_only_function<void(command::Reply&, bool kept)> answer) {
  if (keeper_.settled()) return answer(ctx.reply(), true);
  auto later = std::make_shared<engine::DeferredReply>(ctx);
  keeper_.whenKept([later, answer = std::move(answer)](bool kept) mutable {
    later->answer([answer = std::move(answer), kept](command::Reply& reply) mutable { answer(reply, kept); });
  });
}

void SentinelDriver::connect(const Effect& effect) {
  const Key key{effect.instance, effect.channel};
  if (const auto before = connections_.find(key); before != connections_.end())
    disconnect(key, before->second->attempt());
  auto stream = engine_.system().network.connect({effect.address.host, effect.address.port}, surroundings_.connect());
  connections_[key] = std::make_unique<InstanceConnection>(*loop_, std::move(stream), effect,
                                                           [this](const Event& event) { onEvent(event); });
}

void SentinelDriver::disconnect(const Key& key, uint64_t attempt) {
  const auto found = connections_.find(key);
  if (found == connections_.end() || found->second->attempt() != attempt) return;
  if (const auto host = found->second->tried()) {
    Event resolved{.kind = Event::Kind::kResolved, .instance = key.first, .channel = key.second, .text = *host};
    loop_->post([this, resolved = std::move(resolved)] { onEvent(resolved); });
  }
  found->second->close();
  // It may be what called us.
  loop_->post([gone = std::shared_ptr<InstanceConnection>(std::move(found->second))] {});
  connections_.erase(found);
}

void SentinelDriver::send(const Effect& effect) {
  const auto found = connections_.find({effect.instance, effect.channel});
  if (found == connections_.end() || found->second->attempt() != effect.attempt) return;
  found->second->send(effect.words, effect.request);
}

void SentinelDriver::flush(const Effects& sent) {
  std::set<Key> spokenTo;
  for (const Effect& effect : sent) spokenTo.insert({effect.instance, effect.channel});
  for (const Key& key : spokenTo) {
    if (const auto found = connections_.find(key); found != connections_.end()) found->second->flush();
  }
}

// What must not be sent is answered by ourselves, with an error.
void SentinelDriver::refuse(const Effect& effect) {
  Event refused{.kind = Event::Kind::kReply, .instance = effect.instance, .channel = effect.channel};
  refused.attempt = effect.attempt;
  refused.request = effect.request;
  refused.reply.kind = wire::RespValue::Kind::kError;
  refused.reply.text = "ERR Sentinel cannot save its state";
  loop_->post([this, refused = std::move(refused)] { onEvent(refused); });
}

void SentinelDriver::tell(LogLevel level, std::string_view type, const std::string& text) {
  engine_.logger().log(level, std::string(type) + " " + text);
  if (level != LogLevel::kDebug) publish(type, text);
}

void SentinelDriver::publish(std::string_view channel, std::string_view text) {
  engine::PubSub& pubsub = engine_.pubsub();
  if (!pubsub.anyone()) return;
  engine::PubSub::Hold hold(pubsub, engine::PubSub::stripeOf(channel));
  pubsub.deliver(engine::PubSub::Space::kChannels, channel, text, 0, nullptr);
}

}  // namespace vigil::drivers
