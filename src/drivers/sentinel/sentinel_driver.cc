#include "drivers/sentinel/sentinel_driver.h"

#include <algorithm>
#include <set>

#include "base/config.h"
#include "base/ports/entropy.h"
#include "base/ports/files.h"
#include "drivers/sentinel/sentinel_commands.h"
#include "sentinel/administration.h"

namespace vigil::drivers {

using sentinel::Effect;
using sentinel::Effects;
using sentinel::Event;

namespace {

constexpr size_t kIdDigits = 40;
constexpr MonoUs kTimerResolution = 200;  // sooner than that is now

}  // namespace

SentinelDriver::SentinelDriver(engine::Engine& engine, SentinelOptions& options, Surroundings surroundings)
    : engine_(engine),
      options_(options),
      surroundings_(std::move(surroundings)),
      core_(engine.system().entropy.next64()),
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
  if (!carryOut(effects)) {
    return fail("Sentinel config file " + surroundings_.configFile + " cannot be replaced. Exiting...");
  }
  return {};
}

void SentinelDriver::run() { tick(); }

void SentinelDriver::stop() {
  loop_->cancel(timer_);
  connections_.clear();
}

void SentinelDriver::tick() {
  timer_ = 0;
  tickedAt_ = loop_->now();
  if (unsaved_) (void)save();  // the log says why not
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

bool SentinelDriver::carryOut(const Effects& effects) {
  bool kept = true;
  bool written = false;
  std::set<Key> spokenTo;
  for (const Effect& effect : effects) {
    switch (effect.kind) {
      case Effect::Kind::kPersist:
        // The state is that of the step's end already: once is enough.
        if (!written) kept = save().has_value();
        written = true;
        break;
      case Effect::Kind::kLog:
        engine_.logger().log(effect.level, effect.text);
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
        send(effect, kept);
        spokenTo.insert({effect.instance, effect.channel});
        break;
      case Effect::Kind::kScript:
        scripts_.add(now(), effect.words);
        break;
      case Effect::Kind::kExit:
        engine_.logger().warning("Sentinel CRASH because of SENTINEL simulate-failure");
        surroundings_.crash();
        break;
    }
  }
  for (const Key& key : spokenTo) {
    if (const auto found = connections_.find(key); found != connections_.end()) found->second->flush();
  }
  return kept;
}

Status SentinelDriver::save() {
  FileSystem& files = engine_.system().files;
  auto old = readWholeFile(files, surroundings_.configFile);
  Status saved = old ? replaceFileDurably(files, surroundings_.configFile, surroundings_.registry.rewrite(*old))
                     : std::unexpected(old.error());
  if (saved) {
    engine_.logger().notice("Sentinel new configuration saved on disk");
  } else if (!unsaved_) {
    engine_.logger().warning("WARNING: Sentinel was not able to save the new configuration on disk!!!: " +
                             saved.error().message);
  }
  unsaved_ = !saved;
  return saved;
}

void SentinelDriver::connect(const Effect& effect) {
  const Key key{effect.instance, effect.channel};
  if (const auto before = connections_.find(key); before != connections_.end()) disconnect(key, before->second->attempt());
  auto stream = engine_.system().network.connect({effect.address.host, effect.address.port}, surroundings_.connect());
  connections_[key] = std::make_unique<InstanceConnection>(*loop_, std::move(stream), effect,
                                                           [this](const Event& event) { onEvent(event); });
}

void SentinelDriver::disconnect(const Key& key, uint64_t attempt) {
  const auto found = connections_.find(key);
  if (found == connections_.end() || found->second->attempt() != attempt) return;
  found->second->close();
  // It may be what called us.
  loop_->post([gone = std::shared_ptr<InstanceConnection>(std::move(found->second))] {});
  connections_.erase(found);
}

void SentinelDriver::send(const Effect& effect, bool allowed) {
  const Key key{effect.instance, effect.channel};
  const auto found = connections_.find(key);
  if (found == connections_.end() || found->second->attempt() != effect.attempt) return;
  if (allowed) return found->second->send(effect.words, effect.request);
  // What must not be sent is lost, and with it the connection: the core is used to that.
  disconnect(key, effect.attempt);
  Event broken{.kind = Event::Kind::kBroken, .instance = effect.instance, .channel = effect.channel};
  broken.attempt = effect.attempt;
  loop_->post([this, broken = std::move(broken)] { onEvent(broken); });
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
