#include "drivers/replication/replica_driver.h"

#include <algorithm>

#include "base/ports/entropy.h"
#include "engine/worker.h"
#include "keyspace/reaper.h"
#include "replication/planted_bugs.h"

namespace vigil::drivers {

namespace {

constexpr MonoUs kSecond = 1'000'000;

uint64_t keysIn(const keyspace::Keyspace& keyspace) {
  uint64_t keys = 0;
  for (size_t db = 0; db < keyspace.databaseCount(); ++db) keys += keyspace.size(static_cast<int>(db));
  return keys;
}

bool needsWorld(const replication::Effect& effect) {
  using Kind = replication::Effect::Kind;
  return effect.kind == Kind::kSetHistory || effect.kind == Kind::kInstall || effect.kind == Kind::kBecomeReplica ||
         effect.kind == Kind::kBecomeMaster;
}

}  // namespace

ReplicaDriver::ReplicaDriver(engine::Engine& engine, ReplicationOptions& options, RdbDriver& rdb,
                             MasterDriver& masterSide)
    : engine_(engine),
      options_(options),
      rdb_(rdb),
      masterSide_(masterSide),
      executor_(engine.system().tasks.makeSerial("vigil-load", Urgency::kBulk)),
      link_(std::make_unique<Link>(false, engine.system().entropy.next64())) {}

ReplicaDriver::~ReplicaDriver() = default;

void ReplicaDriver::becomeConfiguredRole() {
  if (options_.master.load().host.empty()) return;
  engine_.state().replica.store(true);
  engine_.logger().setRole('S');
}

void ReplicaDriver::followConfigured(bool hasHistory) {
  MasterAddress master = options_.master.load();
  if (master.host.empty()) return;
  {
    MutexLock guard(mutex_);
    link_ = std::make_unique<Link>(hasHistory, engine_.system().entropy.next64());
  }
  engine_.withWorld([this, master] { inWorld(step({.kind = LinkEvent::Kind::kFollow, .master = master}), nullptr); });
}

void ReplicaDriver::stop() {
  connection_.reset();
  loader_.reset();
  executor_->finish();
}

// --- Steps -----------------------------------------------------------------------------------------------------

ReplicaDriver::Effects ReplicaDriver::step(const LinkEvent& event, uint64_t* attempt) {
  oplog::Log& log = engine_.log();
  replication::Position at{log.history(), log.end()};
  MutexLock guard(mutex_);
  Effects effects = link_->step(engine_.system().clock.mono(), event, at, options_.linkOptions());
  liveAttempt_.store(link_->attempt());
  if (attempt) *attempt = link_->attempt();
  engine_.state().masterLinkUp.store(link_->state() == Link::State::kOnline);
  return effects;
}

// Control thread.
void ReplicaDriver::onEvent(LinkEvent event) {
  uint64_t attempt = 0;
  Effects effects = step(event, &attempt);
  carryOut(std::move(effects), attempt);
}

void ReplicaDriver::carryOut(Effects effects, uint64_t attempt) {
  if (effects.empty()) return;
  if (std::none_of(effects.begin(), effects.end(), needsWorld)) return onControl(effects);
  if (connection_) connection_->hold();  // bytes of the stream may have come with the answer
  engine_.withWorld([this, attempt, effects = std::move(effects)] {
    if (liveAttempt_.load() == attempt) inWorld(effects, nullptr);
  });
}

// The world is held: changes role and history, and leaves the rest to the control thread.
void ReplicaDriver::inWorld(const Effects& effects, SnapshotLoader* loaded) {
  oplog::Log& log = engine_.log();
  Effects rest;
  for (const Effect& effect : effects) {
    switch (effect.kind) {
      case Effect::Kind::kLog:
        engine_.logger().log(effect.level, effect.text);
        break;
      case Effect::Kind::kBecomeReplica:
        engine_.state().replica.store(true);
        if (planted(replication::kDemotedWritable)) engine_.state().replicaReadOnly.store(false);
        engine_.logger().setRole('S');
        masterSide_.needBacklog();
        masterSide_.endAwaits(
            "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)");
        engine_.becameReplica();
        break;
      case Effect::Kind::kBecomeMaster:
        setHistory(effect.history);
        log.forceSelect();
        engine_.state().replica.store(false);
        engine_.logger().setRole('M');
        break;
      case Effect::Kind::kSetHistory:
        setHistory(effect.history);
        break;
      case Effect::Kind::kInstall:
        if (loaded) install(effect, *loaded);
        installed_.store(true);
        break;
      case Effect::Kind::kDropReplicas:
        masterSide_.dropAll();
        break;
      default:
        rest.push_back(effect);
        break;
    }
  }
  if (rest.empty()) return;
  engine_.control().post([this, rest = std::move(rest)] { onControl(rest); });
}

void ReplicaDriver::onControl(const Effects& effects) {
  for (const Effect& effect : effects) {
    switch (effect.kind) {
      case Effect::Kind::kLog:
        engine_.logger().log(effect.level, effect.text);
        break;
      case Effect::Kind::kDropReplicas:
        masterSide_.dropAll();
        break;
      case Effect::Kind::kConnect:
        connect(effect);
        break;
      case Effect::Kind::kSend:
        if (connection_) connection_->send(effect.text);
        break;
      case Effect::Kind::kDisconnect:
        disconnect();
        break;
      case Effect::Kind::kReceiveSnapshot:
        receiveSnapshot(connectionAttempt_);
        break;
      case Effect::Kind::kStream:
        startStream();
        engine_.process().supervisorStatus(
            std::string("MASTER <-> REPLICA sync: ") +
            (installed_.exchange(false) ? "Finished with success." : "Partial Resynchronization accepted.") +
            " Ready to accept connections in read-write mode.");
        break;
      case Effect::Kind::kHandOverAsked:
      case Effect::Kind::kHandOverAnswered:
        if (!handOver_(effect)) return disconnect();
        break;
      default:
        break;
    }
  }
}

// --- The connection --------------------------------------------------------------------------------------------

void ReplicaDriver::connect(const Effect& effect) {
  disconnect();
  const uint64_t attempt = effect.id;
  connectionAttempt_ = attempt;
  ConnectOptions how = engine_.options().outgoing.connect();
  how.tls = options_.tls.load();
  auto stream = engine_.system().network.connect({effect.master.host, effect.master.port}, how);
  connection_ =
      std::make_unique<MasterConnection>(engine_.control(), std::move(stream), engine_.state().replicationInput,
                                         [this, attempt](LinkEvent event) {
                                           event.attempt = attempt;
                                           onEvent(std::move(event));
                                         });
}

void ReplicaDriver::disconnect() {
  // It may be the connection itself that called us.
  if (connection_) engine_.control().post([gone = std::shared_ptr<MasterConnection>(std::move(connection_))] {});
  loader_.reset();
  std::shared_ptr<MasterStream> stream;
  {
    MutexLock guard(mutex_);
    stream = std::move(stream_);
  }
  if (stream) stream->stop();
}

void ReplicaDriver::receiveSnapshot(uint64_t attempt) {
  persistence::RdbLoadOptions options = rdb_.loadOptions(0);
  options.dropExpired = false;
  loader_ = std::make_shared<SnapshotLoader>(*executor_, engine_.keyspace().options(), options, [this, attempt] {
    engine_.control().post([this, attempt] {
      if (connection_ && connectionAttempt_ == attempt) connection_->resume();
    });
  });
  connection_->receiveSnapshot(loader_, [this, attempt] { transferComplete(attempt); });
}

void ReplicaDriver::transferComplete(uint64_t attempt) {
  loader_->finish([this, attempt](std::shared_ptr<SnapshotLoader> loader, Status status) {
    loadEnded(attempt, std::move(loader), std::move(status));
  });
}

// On the executor.
void ReplicaDriver::loadEnded(uint64_t attempt, std::shared_ptr<SnapshotLoader> loader, Status status) {
  if (!status) {
    engine_.control().post([this, attempt, why = status.error().message] {
      onEvent({.kind = LinkEvent::Kind::kLoadFailed, .text = why, .attempt = attempt});
    });
    return;
  }
  rdb_.logLoaded(loader->rdb());
  engine_.withWorld([this, attempt, loader = std::move(loader)] {
    if (liveAttempt_.load() != attempt) return;
    inWorld(step({.kind = LinkEvent::Kind::kLoaded,
                  .offeredKeys = keysIn(loader->keyspace()),
                  .heldKeys = keysIn(engine_.keyspace()),
                  .attempt = attempt}),
            loader.get());
  });
}

void ReplicaDriver::install(const Effect& effect, SnapshotLoader& loaded) {
  oplog::Log& log = engine_.log();
  keyspace::reapTables(engine_.reaper(), engine_.keyspace().replaceAll(loaded.keyspace()));
  for (size_t shard = 0; shard < engine_.keyspace().shardCount(); ++shard) {
    engine::ShardState& state = engine_.shardState(shard);
    state.lastWrite = 0;
    for (auto& [key, watches] : state.watches) {
      for (const engine::Watch& watch : watches) watch.fail();
    }
  }
  engine_.dataReplaced();
  masterSide_.needBacklog();
  log.restart(effect.history, effect.offset);
  log.setSelectedDb(loaded.rdb().aux().streamDb.value_or(0));
  if (listener_.installed) listener_.installed();
  engine_.historyChanged();
}

void ReplicaDriver::setHistory(const oplog::History& history) {
  engine_.log().setHistory(history);
  if (listener_.historyChanged) listener_.historyChanged();
}

void ReplicaDriver::changeHistory() { setHistory({.id = engine_.system().entropy.hex(40)}); }

void ReplicaDriver::startStream() {
  if (!connection_) return;
  std::string unread;
  auto socket = connection_->release(unread);
  engine_.control().post([gone = std::shared_ptr<MasterConnection>(std::move(connection_))] {});
  loader_.reset();
  auto stream = std::make_shared<MasterStream>(*this, engine_.worker(0), connectionAttempt_, std::move(socket),
                                               std::move(unread), std::max(0, engine_.log().selectedDb()));
  {
    MutexLock guard(mutex_);
    stream_ = stream;
  }
  stream->start();
}

// On a worker.
void ReplicaDriver::streamEnded(uint64_t attempt, MasterStream::Ending ending, std::string why) {
  using Ending = MasterStream::Ending;
  engine_.control().post([this, attempt, ending, why = std::move(why)] {
    onEvent({.kind = ending == Ending::kBroken ? LinkEvent::Kind::kBroken : LinkEvent::Kind::kRefused,
             .text = why,
             .attempt = attempt,
             .malformed = ending == Ending::kMalformed});
  });
}

void ReplicaDriver::tick() {
  MonoUs now = engine_.system().clock.mono();
  bool streams = false;
  bool late = false;
  uint64_t attempt = 0;
  {
    MutexLock guard(mutex_);
    transferLength_ = connection_ ? connection_->transferLength() : -1;
    transferReceived_ = connection_ ? connection_->transferReceived() : 0;
    hearStream();
    streams = link_->state() == Link::State::kOnline;
    late = now - link_->lastIo() > options_.timeout.load() * kSecond;
    attempt = link_->attempt();
  }
  if (!streams) {
    onEvent({.kind = LinkEvent::Kind::kTick});
  } else if (late) {
    // Not while commands of the stream run that the log does not hold yet: the next PSYNC would ask for them again.
    engine_.withWorld([this, attempt] { tickInWorld(attempt); });
  }
  if (connection_ && now - lastKeepAlive_ >= kSecond) {
    lastKeepAlive_ = now;
    connection_->keepAlive();
  }
}

void ReplicaDriver::tickInWorld(uint64_t attempt) {
  if (liveAttempt_.load() != attempt) return;
  {
    MutexLock guard(mutex_);
    hearStream();
  }
  inWorld(step({.kind = LinkEvent::Kind::kTick}), nullptr);
}

void ReplicaDriver::hearStream() {
  const MonoUs heard = stream_ ? stream_->lastIo() : 0;
  if (heard > link_->lastIo()) link_->heard(heard);
}

// --- REPLICAOF -------------------------------------------------------------------------------------------------

bool ReplicaDriver::follow(const MasterAddress& master, std::string who) {
  {
    MutexLock guard(mutex_);
    if (link_->isReplica() && link_->master() == master && !link_->refusesEmptyMaster()) return false;
  }
  options_.master.store(master);
  inWorld(step({.kind = LinkEvent::Kind::kFollow, .master = master, .text = std::move(who)}), nullptr);
  return true;
}

void ReplicaDriver::handOver(const MasterAddress& target) {
  options_.master.store(target);
  inWorld(step({.kind = LinkEvent::Kind::kHandOver, .master = target}), nullptr);
}

void ReplicaDriver::promote(std::string who, std::string_view request) {
  options_.master.store({});
  inWorld(step({.kind = LinkEvent::Kind::kPromote,
                .text = std::string(request) + " from '" + who + "'",
                .newId = engine_.system().entropy.hex(40)}),
          nullptr);
}

ReplicaDriver::View ReplicaDriver::view() const {
  MutexLock guard(mutex_);
  View view;
  view.replica = engine_.state().replica.load();
  view.master = link_->isReplica() ? link_->master() : options_.master.load();
  view.state = link_->isReplica() ? link_->stateName() : "connect";
  view.linkUp = link_->state() == Link::State::kOnline;
  view.syncing = link_->state() == Link::State::kTransfer;
  view.refusesEmptyMaster = link_->refusesEmptyMaster();
  view.transferLength = transferLength_;
  view.transferReceived = transferReceived_;
  view.lastIo = std::max(link_->lastIo(), stream_ ? stream_->lastIo() : 0);
  view.downSince = link_->downSince();
  view.received = stream_ ? std::max(stream_->received(), engine_.log().end()) : engine_.log().end();
  return view;
}

}  // namespace vigil::drivers
