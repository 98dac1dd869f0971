#include "drivers/cluster/cluster_driver.h"

#include <algorithm>
#include <utility>

#include "base/ports/entropy.h"
#include "cluster/node_lines.h"

namespace vigil::drivers {

using cluster::Event;

namespace {

constexpr MonoUs kTick = 100'000;
constexpr MonoUs kSaveRetry = 1'000'000;

}  // namespace

ClusterDriver::ClusterDriver(engine::Engine& engine, ClusterOptions& options, ReplicationOptions& replicationOptions,
                             Replication& replication, RdbDriver& rdb)
    : engine_(engine),
      options_(options),
      replicationOptions_(replicationOptions),
      replication_(replication),
      rdb_(rdb),
      file_(engine.system(), options.configFile.load()) {
  MutexLock guard(mutex_);
  core_.emplace(engine.system().entropy.next64(), now());
}

cluster::Moment ClusterDriver::now() const {
  const Clock& clock = engine_.system().clock;
  return {std::max<MonoUs>(1, clock.mono()), clock.wall() / 1000};
}

// --- Life ---

Status ClusterDriver::start() {
  if (auto checked = options_.checkPorts(); !checked) return checked;
  auto loaded = file_.load();
  if (!loaded) return std::unexpected(loaded.error());
  {
    MutexLock guard(mutex_);
    if (*loaded) {
      if (auto restored = core_->restore(now(), **loaded); !restored) {
        return fail("Unrecoverable error: corrupted cluster config file \"" + options_.configFile.load() + "\": " +
                    restored.error().message);
      }
    }
    const cluster::Node& me = core_->state().myself();
    engine_.logger().notice((*loaded ? "Node configuration loaded, I'm " : "No cluster configuration found, I'm ") + me.id);
    if (me.master != nullptr && !me.master->address.empty()) {
      replicationOptions_.master.store({me.master->address, me.master->port});
    }
  }
  moves_.emplace(engine_, replicationOptions_, replication_, rdb_,
                 SlotMoves::Host{.tell = [this](cluster::MigrationNews news) { tell(std::move(news)); },
                                 .inWorld = [this](Task work) { inWorld(std::move(work)); },
                                 .route = [this] { route(); }});
  route();
  if (auto saved = file_.saveNow(confText()); !saved) {
    return fail("Can't write the cluster configuration file: " + saved.error().message);
  }
  bus_.emplace(engine_.system().network, engine_.control(), engine_.logger(), options_,
               [this](const Event& event) { onEvent(event); });
  registerDebug();
  engine_.setBroadcast([this](engine::PubSub::Space space, std::string_view channel, std::string_view payload) {
    Event event{.kind = Event::Kind::kPublish};
    event.message.type = space == engine::PubSub::Space::kChannels ? wire::BusType::kPublish : wire::BusType::kPublishShard;
    event.message.channel = channel;
    event.message.payload = payload;
    engine_.control().post([this, event = std::move(event)] { onEvent(event); });
  });
  options_.changed = [this] {
    engine_.control().post([this] {
      onEvent({});
      inWorld([this] { route(); });
    });
  };
  options_.settle = [this](Task done) {
    engine_.control().post([this, done = std::move(done)]() mutable { afterEffects(std::move(done)); });
  };
  return {};
}

Status ClusterDriver::listen() {
  bus_->setConnectOptions(engine_.options().outgoing.connect());
  return bus_->listen();
}

void ClusterDriver::run() {
  engine_.control().post([this] {
    step([&](cluster::Cluster& core, const cluster::Surroundings& around, const cluster::Options& options, Effects& out) {
      out = core.claimLoaded(now(), around, options, slotsWithKeys());
    });
    tick();
  });
}

void ClusterDriver::stop() {
  if (bus_) bus_->stop();
  file_.stop();
  if (moves_) moves_->stop();
  engine_.setBroadcast(nullptr);
}

SlotSet ClusterDriver::slotsWithKeys() const {
  SlotSet slots;
  for (uint16_t slot = 0; slot < kSlotCount; ++slot) {
    if (engine_.keyspace().keysInSlot(slot) != 0 && !engine_.keyspace().hiddenSlots().test(slot)) slots.set(slot);
  }
  return slots;
}

// --- Steps ---

cluster::Surroundings ClusterDriver::surroundings() {
  const auto view = replication_.replica().view();
  linkedOnce_ = linkedOnce_ || view.linkUp;
  return {.offset = static_cast<uint64_t>(engine_.log().end()),
          .linkUp = view.linkUp,
          // While the link is down, errors that the master answers do not make our data younger.
          .masterHeard = view.linkUp ? view.lastIo : view.downSince,
          .linkedOnce = linkedOnce_,
          .masterEmpty = view.refusesEmptyMaster};
}

// On the control thread: run(core, surroundings, options, effects) under the core's lock, and what comes of it.
template <typename Run>
void ClusterDriver::step(Run run) {
  const cluster::Surroundings around = surroundings();
  const cluster::Options options = options_.coreOptions(replicationOptions_.pingPeriod.load());
  {
    MutexLock guard(mutex_);
    around_ = around;
    Effects effects;
    run(*core_, around, options, effects);
    add(std::move(effects));
  }
  takePending();
}

void ClusterDriver::onEvent(const Event& event) {
  step([&](cluster::Cluster& core, const cluster::Surroundings& around, const cluster::Options& options, Effects& out) {
    out = core.step(now(), around, options, event);
  });
  scheduleWake();
}

void ClusterDriver::tick() {
  engine_.control().after(kTick, [this] { tick(); });
  if (waitsForDisk_ && now().mono - waitsSince_ > options_.nodeTimeoutMs.load() * 1000) setDiskFails(true);
  int64_t memory = 0;
  const auto links = bus_->links();
  for (const Bus::LinkFacts& link : links) memory += static_cast<int64_t>(link.memory);
  engine_.state().clusterLinks.store(static_cast<int64_t>(links.size()), std::memory_order_relaxed);
  engine_.state().clusterLinkMemory.store(memory, std::memory_order_relaxed);
  onEvent({.kind = Event::Kind::kTick});
}

void ClusterDriver::scheduleWake() {
  MonoUs at = 0;
  {
    MutexLock guard(mutex_);
    at = core_->wakeAt();
  }
  const MonoUs delay = at - engine_.system().clock.mono();
  if (at == 0 || delay >= kTick || wakeTimer_ != 0) return;
  wakeTimer_ = engine_.control().after(std::max<MonoUs>(delay, 1000), [this] {
    wakeTimer_ = 0;
    onEvent({.kind = Event::Kind::kTick});
  });
}

void ClusterDriver::request(cluster::Request request, std::shared_ptr<engine::DeferredReply> reply) {
  engine_.control().post([this, request = std::move(request), reply = std::move(reply)]() mutable {
    cluster::Answer answer;
    step([&](cluster::Cluster& core, const cluster::Surroundings& around, const cluster::Options& options, Effects& out) {
      answer = core.command(now(), around, options, request);
      out = std::move(answer.effects);
    });
    auto respond = [reply = std::move(reply), error = std::move(answer.error), text = std::move(answer.text)]() mutable {
      reply->answer([error = std::move(error), text = std::move(text)](command::Reply& out) {
        error.empty() ? out.simple(text) : out.error(error);
      });
    };
    afterEffects(std::move(respond));
    scheduleWake();
  });
}

// On the control thread: with the world held, once all that has been asked for so far has been carried out.
void ClusterDriver::afterEffects(Task work) {
  queue_.emplace_back(Task([this, work = std::move(work)]() mutable { inWorld(std::move(work)); }));
  carryOut();
}

cluster::Answer ClusterDriver::decide(const cluster::Request& request) {
  const cluster::Options options = options_.coreOptions(replicationOptions_.pingPeriod.load());
  MutexLock guard(mutex_);
  cluster::Surroundings around = around_;
  around.offset = static_cast<uint64_t>(engine_.log().end());
  cluster::Answer answer = core_->command(now(), around, options, request);
  add(std::exchange(answer.effects, {}));
  engine_.control().post([this] {
    takePending();
    scheduleWake();
  });
  return answer;
}

void ClusterDriver::tell(cluster::MigrationNews news) {
  engine_.control().post([this, news = std::move(news)]() mutable {
    onEvent({.kind = Event::Kind::kMigration, .migration = std::move(news)});
  });
}

void ClusterDriver::noted(const cluster::MigrationRecord& record) {
  moves_->apply(record);
  MutexLock guard(mutex_);
  core_->noted(now(), record);
}

void ClusterDriver::dataReplaced() {
  MutexLock guard(mutex_);
  core_->logReplaced();
}

void ClusterDriver::withBusLinks(std::function<void(std::vector<Bus::LinkFacts>)> use) {
  engine_.control().post([this, use = std::move(use)] { use(bus_->links()); });
}

// --- Effects ---

void ClusterDriver::add(Effects effects) {
  for (Effect& effect : effects) pending_.push_back(std::move(effect));
}

void ClusterDriver::takePending() {
  {
    MutexLock guard(mutex_);
    for (Effect& effect : pending_) {
      // Gossip of a time when the disk did not work would only be old news.
      if (diskFails_.load() && effect.kind == Effect::Kind::kSend) continue;
      queue_.emplace_back(std::move(effect));
    }
    pending_.clear();
  }
  carryOut();
}

void ClusterDriver::carryOut() {
  while (!queue_.empty() && !waitsForDisk_) {
    auto next = std::move(queue_.front());
    queue_.pop_front();
    if (auto* task = std::get_if<Task>(&next)) {
      (*task)();
    } else {
      carryOutOne(std::get<Effect>(next));
    }
  }
}

void ClusterDriver::carryOutOne(const Effect& effect) {
  switch (effect.kind) {
    case Effect::Kind::kLog:
      return engine_.logger().log(effect.level, effect.text);
    case Effect::Kind::kPersist:
      return persist(effect.durable);
    case Effect::Kind::kConnect:
      return bus_->connect(effect.link, effect.address, effect.port);
    case Effect::Kind::kSend:
      return bus_->send(effect.link, effect.packet);
    case Effect::Kind::kClose:
      return bus_->close(effect.link);
    case Effect::Kind::kRoute:
      return inWorld([this] { route(); });
    case Effect::Kind::kFollow:
      return follow(effect);
    case Effect::Kind::kPromote:
      return promote();
    case Effect::Kind::kDropSlots:
      // Whoever asks for them in between must be told where they are, not that there is nothing.
      return inWorld([this, slots = effect.slots] {
        route();
        dropSlots(*slots);
      });
    case Effect::Kind::kPauseWrites:
      return inWorld([this, milliseconds = effect.milliseconds] { pauseWrites(milliseconds); });
    case Effect::Kind::kResumeWrites:
      return inWorld([this] { resumeWrites(); });
    case Effect::Kind::kDeliver:
      return deliver(effect);
    case Effect::Kind::kMigration:
      return moves_->carryOut(*effect.migration);
    case Effect::Kind::kFlushAll:
      return inWorld([this] { flushAll(); });
  }
}

std::string ClusterDriver::confText() {
  MutexLock guard(mutex_);
  return wire::formatNodesConf(cluster::confOf(core_->state(), now()));
}

// What is written is the state as of now, which is at least what the effect asked for.
void ClusterDriver::persist(bool durable) {
  if (saving_ && !durable) {
    saveAgain_ = true;
    return;
  }
  if (durable && !std::exchange(waitsForDisk_, true)) waitsSince_ = now().mono;
  saving_ = true;
  saveAgain_ = false;
  file_.save(engine_.control(), confText(), [this, durable](const Status& status) { persisted(durable, status); });
}

void ClusterDriver::persisted(bool durable, const Status& status) {
  if (!status) {
    engine_.logger().warning("Can't update the cluster configuration file, nothing that depends on it leaves this node: " +
                             status.error().message);
    saving_ = false;
    if (durable) setDiskFails(true);
    if (durable || !std::exchange(retriesSave_, true)) {
      engine_.control().after(kSaveRetry, [this, durable] {
        if (!durable) retriesSave_ = false;
        persist(durable);
      });
    }
    return;
  }
  saving_ = false;
  if (durable) {
    waitsForDisk_ = false;
    setDiskFails(false);
  }
  if (saveAgain_) persist(false);
  carryOut();
}

// As long as it fails, clients are told that the cluster is down: others may have taken this node's slots over, and it
// would not hear of it.
void ClusterDriver::setDiskFails(bool fails) {
  if (diskFails_.exchange(fails) == fails) return;
  engine_.logger().warning(fails ? "The cluster configuration file cannot be written: until it can, no client is served"
                                 : "The cluster configuration file can be written again");
  inWorld([this] { route(); });
}

void ClusterDriver::deliver(const Effect& effect) {
  engine::PubSub& pubsub = engine_.pubsub();
  const auto space = effect.shard ? engine::PubSub::Space::kShardChannels : engine::PubSub::Space::kChannels;
  engine::PubSub::Hold hold(pubsub, engine::PubSub::stripeOf(effect.address));
  pubsub.deliver(space, effect.address, effect.text, 0, nullptr);
}

}  // namespace vigil::drivers
