#include "drivers/replication/master_driver.h"

#include <algorithm>

#include "base/ports/entropy.h"
#include "drivers/replication/socket_target.h"
#include "drivers/wake_log.h"
#include "engine/connection.h"
#include "engine/worker.h"
#include "persistence/rdb_file_target.h"
#include "replication/psync.h"

namespace vigil::drivers {

using replication::Effect;
using replication::Effects;
using replication::ReplicaTraits;

namespace {
constexpr int kSinkRank = 1;  // behind the AOF
constexpr int64_t kLongestTimeoutMs = INT64_MAX / 1000;
}

// A replica's connection on its way from its worker to the control thread.
struct MasterDriver::Newcomer {
  uint64_t id = 0;
  std::shared_ptr<const engine::acl::User> user;  // nullptr: no client's session
  ReplicaTraits traits;
  std::string address;
  bool partial = false;
  std::string history;  // the id that `cursor` belongs to
  oplog::Cursor cursor;
  std::string reply;
  std::unique_ptr<Stream> stream;
  std::shared_ptr<engine::ClientInfo> info;  // of the connection that it was
};

MasterDriver::MasterDriver(engine::Engine& engine, ReplicationOptions& options, RdbDriver& rdb,
                           const RdbOptions& rdbOptions)
    : engine_(engine),
      options_(options),
      rdb_(rdb),
      rdbOptions_(rdbOptions),
      executor_(engine.system().tasks.makeSerial("vigil-repl", Urgency::kBulk)) {
  engine_.setUserGoneHook([this](uint64_t user) { engine_.control().post([this, user] { dropOfUser(user); }); });
}

MasterDriver::~MasterDriver() = default;

void MasterDriver::stop() {
  std::map<uint64_t, std::shared_ptr<ReplicaFeed>> feeds;
  {
    MutexLock guard(mutex_);
    feeds.swap(feeds_);
  }
  for (auto& [id, feed] : feeds) {
    engine_.log().removeSink(feed.get());
    engine_.clients().remove(*feed->client());
    feed->close();
  }
  if (snapshot_) snapshot_->cancelHere();
  snapshot_.reset();
  executor_->finish();
}

// --- PSYNC -----------------------------------------------------------------------------------------------------

void MasterDriver::takeOver(engine::Session& session, std::string_view id, oplog::Offset wireOffset, bool legacy) {
  Logger& logger = engine_.logger();
  oplog::Log& log = engine_.log();
  auto newcomer = std::make_shared<Newcomer>();
  newcomer->id = session.id;
  newcomer->user = session.access.user;
  if (session.peer) newcomer->traits = *std::static_pointer_cast<ReplicaTraits>(session.peer);
  newcomer->traits.legacy = legacy;
  newcomer->address = session.connection->stream().peer().host;
  std::string name = replication::Replica{.traits = newcomer->traits, .address = newcomer->address}.name();
  logger.notice("Replica " + name + " asks for synchronization");
  oplog::History history = log.tellHistory();
  auto decision = replication::decidePsync(history, log.start(), log.end(), backlogActive(), name, id, wireOffset);
  if (decision.partial) {
    newcomer->cursor = log.cursor(decision.from);
    newcomer->partial = newcomer->cursor.valid();
  }
  if (newcomer->partial) {
    newcomer->history = history.id;
    newcomer->reply = newcomer->traits.psync2 ? "+CONTINUE " + history.id + "\r\n" : "+CONTINUE\r\n";
    partialSyncs_.fetch_add(1);
    logger.notice("Partial resynchronization request from " + name + " accepted. Sending " +
                  std::to_string(log.end() - decision.from) + " bytes of backlog starting from offset " +
                  std::to_string(wireOffset) + ".");
  } else {
    fullSyncs_.fetch_add(1);
    if (id != "?") refusedPartialSyncs_.fetch_add(1);
    logger.notice(decision.reason.empty() ? "Full resync requested by replica " + name : decision.reason);
  }
  session.suspended = engine::Session::Suspended::kWaiting;
  engine::Worker* worker = &session.connection->worker();
  worker->loop().post([this, worker, newcomer] {
    engine::Connection* connection = worker->findConnection(newcomer->id);
    if (!connection || connection->closing()) return;
    // Answers that are not sent yet (of REPLCONF) stand in front of PSYNC's.
    auto& out = connection->session().out;
    std::string head;
    std::string_view pieces[16];
    while (size_t count = out.gather(pieces, std::size(pieces))) {
      size_t bytes = 0;
      for (size_t i = 0; i < count; ++i) {
        head += pieces[i];
        bytes += pieces[i].size();
      }
      out.consume(bytes);
    }
    newcomer->reply.insert(0, head);
    newcomer->info = connection->session().info;
    newcomer->stream = connection->releaseStream();
    engine_.control().post([this, newcomer] { adopt(newcomer); });
  });
}

// The link as a client, which it stays for CLIENT LIST and CLIENT KILL.
std::shared_ptr<engine::ClientInfo> MasterDriver::listed(const Newcomer& newcomer) {
  const engine::ClientInfo& was = *newcomer.info;
  auto info = std::make_shared<engine::ClientInfo>(newcomer.id, was.worker);
  info->address = was.address;
  info->localAddress = was.localAddress;
  info->descriptor = was.descriptor;
  info->created = was.created;
  info->lastInteraction.store(was.lastInteraction.load());
  info->flags.store((was.flags.load() & engine::kClientUnixSocket) | engine::kClientReplica);
  info->db.store(was.db.load());
  info->protocol.store(was.protocol.load());
  info->lastCommand.store(engine_.commands().find("psync"));
  info->change([&was](engine::ClientInfo::Names& names) { names = was.names(); });
  info->closer = [this, id = newcomer.id] { engine_.control().post([this, id] { drop(id); }); };
  return info;
}

void MasterDriver::adopt(std::shared_ptr<Newcomer> newcomer) {
  if (newcomer->partial && engine_.log().history().id != newcomer->history) return;  // it asks again
  if (newcomer->user && !engine_.acl().has(*newcomer->user)) return;  // its user was deleted meanwhile
  newcomer->stream->setNoDelay(!options_.disableNoDelay.load());
  ReplicaFeed::Place place{engine_.control(), *executor_, engine_.log(), engine_.system().files,
                           "temp-sync-" + std::to_string(rdbOptions_.processId.load()) + "-",
                           engine_.state().replicationOutput,
                           engine_.system().clock};
  auto feed = std::make_shared<ReplicaFeed>(*this, place, newcomer->id, std::move(newcomer->stream),
                                            newcomer->partial ? "" : newcomer->reply);
  if (newcomer->partial) feed->setCursor(std::move(newcomer->cursor), newcomer->reply);
  if (newcomer->user) feed->setUser(newcomer->user->id);
  feed->setClient(listed(*newcomer));
  engine_.clients().add(feed->client());
  feed->attach();
  Effects effects;
  {
    MutexLock guard(mutex_);
    feeds_[newcomer->id] = feed;
    effects = newcomer->partial ? core_.attachPartial(now(), newcomer->id, newcomer->traits, newcomer->address)
                                : core_.attachFull(now(), newcomer->id, newcomer->traits, newcomer->address,
                                                   options_.masterOptions());
  }
  engine_.log().addSink(feed.get(), kSinkRank);
  carryOut(effects);
}

void MasterDriver::carryOut(const Effects& effects) {
  for (const Effect& effect : effects) {
    switch (effect.kind) {
      case Effect::Kind::kLog:
        engine_.logger().log(effect.level, effect.text);
        break;
      case Effect::Kind::kStartSnapshot:
        startSnapshot(effect.ids, effect.diskless);
        break;
      case Effect::Kind::kPutOnline:
        if (auto f = feed(effect.id)) f->stream();
        break;
      case Effect::Kind::kDrop:
        drop(effect.id);
        break;
      case Effect::Kind::kPing:
        ping();
        break;
      case Effect::Kind::kDropBacklog:
        dropBacklog();
        break;
      default:
        break;
    }
  }
  updateNotEnough();
  engine_.state().replicas.store(static_cast<uint32_t>(replicas().size()), std::memory_order_relaxed);
}

std::shared_ptr<ReplicaFeed> MasterDriver::feed(uint64_t id) const {
  MutexLock guard(mutex_);
  auto at = feeds_.find(id);
  return at == feeds_.end() ? nullptr : at->second;
}

void MasterDriver::drop(uint64_t id) {
  Effects effects;
  std::shared_ptr<ReplicaFeed> gone;
  {
    MutexLock guard(mutex_);
    auto at = feeds_.find(id);
    if (at == feeds_.end()) return;
    gone = std::move(at->second);
    feeds_.erase(at);
    effects = core_.gone(now(), id);
  }
  engine_.log().removeSink(gone.get());
  engine_.clients().remove(*gone->client());
  gone->close();
  carryOut(effects);
}

void MasterDriver::dropOfUser(uint64_t user) {
  std::vector<uint64_t> ids;
  {
    MutexLock guard(mutex_);
    for (const auto& [id, feed] : feeds_) {
      if (feed->user() == user) ids.push_back(id);
    }
  }
  for (uint64_t id : ids) drop(id);
}

void MasterDriver::dropAll() {
  {  // What the log gets from here on is not of the history that they were promised.
    MutexLock guard(mutex_);
    for (auto& [id, feed] : feeds_) feed->silence();
  }
  engine_.control().post([this] {
    for (const auto& replica : replicas()) drop(replica.id);
  });
}

// --- Snapshots -------------------------------------------------------------------------------------------------

void MasterDriver::startSnapshot(std::vector<uint64_t> ids, bool diskless) {
  engine_.withWorld([this, ids = std::move(ids), diskless] { beginSnapshot(ids, diskless); });
}

void MasterDriver::needBacklog() {
  oplog::Log& log = engine_.log();
  if (backlog_.load()) return;
  log.setBacklogSize(static_cast<size_t>(options_.backlogSize.load()));
  wakeLog(engine_, oplog::Log::Reason::kReplication);
  backlog_.store(true);
}

// The moment of the snapshot, with the world held: what the log gets from here on follows it.
void MasterDriver::beginSnapshot(const std::vector<uint64_t>& ids, bool diskless) {
  oplog::Log& log = engine_.log();
  needBacklog();
  snapshotsBegun_.fetch_add(1, std::memory_order_relaxed);
  if (!engine_.state().replica.load()) log.forceSelect();
  const oplog::Offset at = log.end();
  const std::string answer = "+FULLRESYNC " + log.tellHistory().id + " " + std::to_string(at) + "\r\n";
  std::vector<std::shared_ptr<ReplicaFeed>> feeds;
  bool withoutData = false;
  {
    MutexLock guard(mutex_);
    for (uint64_t id : ids) {
      auto found = feeds_.find(id);
      if (found == feeds_.end()) continue;
      feeds.push_back(found->second);
      const replication::Replica* replica = core_.find(id);
      withoutData = replica && replica->traits.withoutData;  // the same for all of them
      found->second->setCursor(log.cursor(at), replica && replica->traits.legacy ? "" : answer);
    }
    core_.snapshotBegan(now(), ids, at);
  }
  engine_.logger().notice(diskless ? "Background RDB transfer started" : "Background saving started");
  const uint64_t moment = rdb_.nextMoment();
  persistence::RdbSaveOptions saving = rdb_.saveOptions();
  saving.withoutData = withoutData;
  auto done = [this, feeds, diskless, moment](Status status) {
    if (!diskless && status) {
      auto file = engine_.system().files.open(syncFile(), FileSystem::Open::kRead);
      Result<uint64_t> size = file ? (*file)->size() : Result<uint64_t>(std::unexpected(file.error()));
      if (size) {
        std::shared_ptr<File> shared = std::move(*file);
        nameSyncFile(moment);
        for (auto& feed : feeds) feed->bulkFrom(shared, *size);
      } else {
        status = std::unexpected(size.error());
      }
    }
    engine_.control().post([this, diskless, status = std::move(status)] { snapshotEnded(diskless, status); });
  };
  auto save =
      std::make_shared<persistence::RdbSave>(*executor_, makeTarget(diskless, feeds), engine_.keyspace().shardCount(),
                                             saving, rdb_.flow(), std::move(done));
  snapshot_ = RunningSnapshot::startHere(
      engine_, save, [this, save, withoutData](const SnapshotMoment& moment) {
        auto header = rdb_.header(moment, false);
        if (withoutData) header.databases.clear();
        save->begin(std::move(header));
      });
}

std::unique_ptr<persistence::RdbTarget> MasterDriver::makeTarget(bool diskless,
                                                                 std::vector<std::shared_ptr<ReplicaFeed>> feeds) {
  if (diskless) return std::make_unique<SocketTarget>(std::move(feeds), engine_.system().entropy.hex(40));
  persistence::RdbFileTarget::Options file;
  file.path = syncFile();
  file.temporary = "temp-sync-" + std::to_string(rdbOptions_.processId.load()) + ".rdb";
  return std::make_unique<persistence::RdbFileTarget>(engine_.system().files, std::move(file));
}

std::string MasterDriver::syncFile() const {
  return "temp-sync-" + std::to_string(rdbOptions_.processId.load()) + "-whole.rdb";
}

// The replicas' feeds have it open and read on. As in Redis it becomes the RDB file then, unless that is a newer one by
// now, or the node is one without persistence that wants to keep nothing (rdb-del-sync-files).
void MasterDriver::nameSyncFile(uint64_t moment) {
  const bool persistent = engine_.log().needed(oplog::Log::Reason::kAof) || !rdbOptions_.savePoints.load().empty();
  Status done;
  if (!persistent && rdbOptions_.deleteSyncFiles.load()) {
    engine_.logger().notice("Removing the RDB file used to sync replicas in a persistence-less instance");
    done = engine_.system().files.remove(syncFile());
  } else {
    done = rdb_.takeName(syncFile(), moment);
  }
  if (!done) engine_.logger().warning("The file " + syncFile() + " of a full resync cannot be put away: " + done.error().message);
}

void MasterDriver::snapshotEnded(bool diskless, Status status) {
  Logger& logger = engine_.logger();
  if (status) {
    logger.notice(diskless ? "Background RDB transfer terminated with success"
                           : "Background saving terminated with success");
  } else {
    logger.warning((diskless ? "Background transfer error: " : "Background saving error: ") + status.error().message);
  }
  Effects effects;
  {
    MutexLock guard(mutex_);
    effects = core_.snapshotEnded(now(), status.has_value(), options_.masterOptions());
  }
  carryOut(effects);
}

// --- Time, acknowledgements ------------------------------------------------------------------------------------

void MasterDriver::tick() {
  Effects effects;
  const bool isMaster = !engine_.state().replica.load();
  std::vector<std::shared_ptr<ReplicaFeed>> waiting;
  const bool newline = now() - lastNewline_ >= 1'000'000;
  {
    MutexLock guard(mutex_);
    for (const auto& [id, feed] : feeds_) {
      const MonoUs blocked = feed->blockedSince();
      core_.snapshotFlowed(blocked != 0 ? blocked : now(), id);
    }
    effects = core_.tick(now(), isMaster, backlogActive(), options_.masterOptions());
    if (newline) {
      for (const auto& [id, replica] : core_.replicas()) {
        if (replica.state != replication::ReplicaState::kOnline) waiting.push_back(feeds_[id]);
      }
    }
  }
  if (newline) lastNewline_ = now();
  checkWaits();  // what became durable here is seen within a tick
  noteProgress();
  for (auto& feed : waiting) feed->keepAlive();
  carryOut(effects);
  dropTooSlow();
}

// Those that need more memory than they may, or more of the log than is left.
void MasterDriver::dropTooSlow() {
  const OutputBufferLimit limit = engine_.options().outputLimits.load().of[OutputBufferLimits::kReplica];
  for (const auto& replica : replicas()) {
    auto f = feed(replica.id);
    if (!f) continue;
    if (f->lost()) {
      onGone(replica.id, "The log does not hold any more what it has not read yet");
      continue;
    }
    if (!f->overLimit(limit, now())) continue;
    engine_.logger().warning("Client id=" + std::to_string(replica.id) + " addr=" + replica.name() +
                             " flags=S scheduled to be closed ASAP for overcoming of output buffer limits.");
    drop(replica.id);
  }
}

// Keeps when the log's end was where, for the lag of replicas in time.
void MasterDriver::noteProgress() {
  const oplog::Offset end = engine_.log().end();
  MutexLock guard(mutex_);
  if (core_.replicas().empty()) return progress_.clear();
  progress_.push_back({now(), end});
  if (progress_.size() > kProgressMarks) progress_.pop_front();
}

MasterDriver::Lag MasterDriver::lagOf(const replication::Replica& replica) const {
  const oplog::Offset end = engine_.log().end();
  const oplog::Offset has = std::max(replica.acked, replica.snapshot);
  if (has >= end) return {};
  MutexLock guard(mutex_);
  // The first mark behind what it has: the log passed that point before then, and after the mark before.
  auto at = std::upper_bound(progress_.begin(), progress_.end(), has,
                             [](oplog::Offset offset, const Mark& mark) { return offset < mark.end; });
  const MonoUs since = at != progress_.end() ? at->at : progress_.empty() ? now() : progress_.back().at;
  return {end - has, std::max<MonoUs>(0, now() - since) / 1000};
}

void MasterDriver::ping() {
  engine_.withWorld([this] {
    if (engine_.state().replica.load() || engine_.pause().active()) return;
    std::string_view command[] = {"PING"};
    engine_.log().append(-1, command);
    engine_.control().post([this] { engine_.log().pump(); });
  });
}

void MasterDriver::dropBacklog() {
  engine_.withWorld([this] {
    if (engine_.state().replica.load() || !replicas().empty()) return;
    backlog_.store(false);
    engine_.log().setNeeded(oplog::Log::Reason::kReplication, false);
    engine_.log().dropBacklog();
  });
}

void MasterDriver::onAck(uint64_t id, oplog::Offset offset, oplog::Offset durable) {
  Effects effects;
  {
    MutexLock guard(mutex_);
    if (auto at = feeds_.find(id); at != feeds_.end()) {
      at->second->client()->lastInteraction.store(engine_.system().clock.mono(), std::memory_order_relaxed);
      at->second->client()->lastCommand.store(engine_.commands().find("replconf"),
                                             std::memory_order_relaxed);
    }
    effects = core_.acked(now(), id, offset, durable);
  }
  carryOut(effects);
  checkWaits();
  if (acked_) acked_();
}

void MasterDriver::onBulkSent(uint64_t id) {
  Effects effects;
  {
    MutexLock guard(mutex_);
    effects = core_.snapshotSent(now(), id);
  }
  carryOut(effects);
}

void MasterDriver::onGone(uint64_t id, const std::string& why) {
  if (!why.empty()) {
    std::string name = "a replica";
    {
      MutexLock guard(mutex_);
      if (const replication::Replica* replica = core_.find(id)) name = "replica " + replica->name();
    }
    engine_.logger().warning("Dropping " + name + ": " + why);
  }
  drop(id);
}

oplog::Offset MasterDriver::feedLimit() const { return limit_ ? limit_() : std::numeric_limits<oplog::Offset>::max(); }

size_t MasterDriver::countAcked(oplog::Offset offset) const {
  MutexLock guard(mutex_);
  return core_.countAcked(offset);
}

std::vector<replication::Replica> MasterDriver::replicas() const {
  MutexLock guard(mutex_);
  std::vector<replication::Replica> list;
  for (const auto& [id, replica] : core_.replicas()) list.push_back(replica);
  return list;
}

size_t MasterDriver::goodReplicas() const {
  MutexLock guard(mutex_);
  return core_.countGood(now(), options_.masterOptions());
}

void MasterDriver::updateNotEnough() {
  auto needed = options_.minReplicas.load();
  bool lacking = needed > 0 && options_.minReplicasMaxLag.load() > 0 && static_cast<int64_t>(goodReplicas()) < needed;
  engine_.state().notEnoughReplicas.store(lacking, std::memory_order_relaxed);
}

// --- WAIT, WAITAOF ---------------------------------------------------------------------------------------------

bool MasterDriver::fulfilled(const WaitFor& wait) const {
  if (!wait.durable) return countAcked(wait.offset) >= wait.replicas;
  MutexLock guard(mutex_);
  return (!wait.local || durableHere() >= wait.offset) && core_.countDurable(wait.offset) >= wait.replicas;
}

void MasterDriver::writeCounts(command::Reply& reply, const WaitFor& wait) const {
  if (!wait.durable) return reply.integer(static_cast<int64_t>(countAcked(wait.offset)));
  MutexLock guard(mutex_);
  reply.array(2);
  reply.integer(durableHere() >= wait.offset ? 1 : 0);
  reply.integer(static_cast<int64_t>(core_.countDurable(wait.offset)));
}

void MasterDriver::await(std::shared_ptr<engine::DeferredReply> reply, const WaitFor& what, int64_t timeoutMs) {
  // An answer is due at once, not with the replicas' next second.
  if (what.replicas != 0 && backlogActive() && !engine_.pause().active()) {
    std::string_view command[] = {"REPLCONF", "GETACK", "*"};
    engine_.log().append(-1, command);
  }
  const uint64_t number = nextWait_.fetch_add(1);
  reply->waitAsBlocked(
      [this, number](engine::Unblock how) { engine_.control().post([this, number, how] { endWait(number, how); }); });
  Wait wait{std::move(reply), what};
  engine_.control().post([this, wait = std::move(wait), number, timeoutMs]() mutable {
    engine_.log().pump();
    if (timeoutMs > 0) {
      wait.timer = engine_.control().after(std::min(timeoutMs, kLongestTimeoutMs) * 1000,
                                           [this, number] { endWait(number, engine::Unblock::kTimeout); });
    }
    waits_[number] = std::move(wait);
    checkWaits();
  });
}

void MasterDriver::endWait(uint64_t number, engine::Unblock how) {
  auto at = waits_.find(number);
  if (at == waits_.end()) return;  // it was answered meanwhile
  engine_.control().cancel(at->second.timer);
  if (how == engine::Unblock::kError) {
    at->second.reply->answer([](command::Reply& reply) { reply.error(engine::kUnblockedByClient); });
  } else if (how != engine::Unblock::kGone) {
    answerWait(at->second);
  }
  waits_.erase(at);
}

void MasterDriver::checkWaits() {
  for (auto at = waits_.begin(); at != waits_.end();) {
    if (!fulfilled(at->second.what)) {
      ++at;
      continue;
    }
    engine_.control().cancel(at->second.timer);
    answerWait(at->second);
    at = waits_.erase(at);
  }
}

void MasterDriver::answerWait(Wait& wait) {
  wait.reply->answer([this, what = wait.what](command::Reply& reply) { writeCounts(reply, what); });
}

void MasterDriver::endAwaits(std::string error) {
  engine_.control().post([this, error = std::move(error)] {
    for (auto& [number, wait] : waits_) {
      engine_.control().cancel(wait.timer);
      wait.reply->answer([error](command::Reply& reply) { reply.error(error); });
    }
    waits_.clear();
  });
}

}  // namespace vigil::drivers
