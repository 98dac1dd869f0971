#include "engine/worker.h"

#include <algorithm>
#include <cstring>

#include "command/command_table.h"
#include "engine/acl/gate.h"
#include "engine/blocked_call.h"
#include "engine/client_list.h"
#include "engine/engine.h"

namespace vigil::engine {

namespace {

constexpr size_t kOutputUnchecked = 1 << 20;  // no limit on a client's output is looked at below it while commands run

}  // namespace

Worker::Worker(Engine& engine, size_t number, EventLoop& loop)
    : engine_(engine),
      number_(number),
      loop_(loop),
      commandStatistics_(engine.commands().indexCount()),
      execution_(engine, *this),
      evictor_(engine, *this),
      arrivals_(*this) {
  execEntry_ = engine.commands().find("exec");
  pingEntry_ = engine.commands().find("ping");
  refreshTime();
  loop_.setBeforeSleep([this] { return beforeSleep(); });
  loop_.post([this] { tick(); });
}

Worker::~Worker() {
  loop_.cancel(tickTimer_);
  loop_.cancel(dutyTimer_);
}

void Worker::refreshTime() { nowMs_ = engine_.system().clock.wall() / 1000; }

// --- Timing, the part that every command takes ------------------------------------------------------------------

inline void Worker::startTiming() { timedFrom_ = engine_.system().clock.nanos(); }

inline int64_t Worker::stopTiming() {
  const int64_t now = engine_.system().clock.nanos();
  return now - std::exchange(timedFrom_, now);
}

inline void Worker::called(const Session& session, const command::CommandEntry& entry, command::Args args,
                           int64_t nanos) {
  const MonitoringOptions& options = engine_.options().monitoring;
  stats_.commands.add();
  if (session.blocked) [[unlikely]] {  // how long it takes is known when its wait has ended
    session.blocked->tookNanos = nanos;
    return commandStatistics_.called(entry.index, nanos, false);
  }
  commandStatistics_.called(entry.index, nanos, options.latencyTracking.load(std::memory_order_relaxed));
  if (nanos >= options.noticeFrom.load(std::memory_order_relaxed)) [[unlikely]] noteSlow(session, entry, args, nanos);
}

// --- Clients ---------------------------------------------------------------------------------------------------

void Worker::adoptLater(std::unique_ptr<Stream> stream, uint64_t id) {
  loop_.post([this, stream = std::move(stream), id]() mutable { adopt(std::move(stream), id); });
}

Connection& Worker::adopt(std::unique_ptr<Stream> stream, uint64_t id) {
  auto info = std::make_shared<ClientInfo>(id, this);
  Endpoint peer = stream->peer();
  Endpoint local = stream->local();
  info->address = addressText(peer.isUnix() ? local : peer);
  info->localAddress = addressText(local);
  info->descriptor = stream->descriptor();
  info->created = loop_.now();
  info->lastInteraction.store(loop_.now(), std::memory_order_relaxed);
  if (local.isUnix()) info->flags.store(kClientUnixSocket, std::memory_order_relaxed);
  if (!local.isUnix()) {
    stream->setNoDelay(true);
    stream->setKeepAlive(static_cast<int>(engine_.options().keepAlive.load(std::memory_order_relaxed)));
  }
  auto connection = std::make_unique<Connection>(*this, std::move(stream), info);
  acl::attachDefault(engine_, connection->session());
  engine_.clients().add(std::move(info));
  stats_.connections.add();
  Connection& added = *connections_.emplace(id, std::move(connection)).first->second;
  added.stream().attach(loop_, added);
  return added;
}

Connection* Worker::findConnection(uint64_t id) {
  auto at = connections_.find(id);
  return at == connections_.end() ? nullptr : at->second.get();
}

void Worker::queueFlush(Connection& connection) {
  if (connection.flushQueued) return;
  connection.flushQueued = true;
  toFlush_.push_back(&connection);
}

void Worker::closeLater(Connection& connection) { toClose_.push_back(connection.session().id); }

void Worker::removeConnection(uint64_t id) {
  auto at = connections_.find(id);
  if (at == connections_.end()) return;
  Session& session = at->second->session();
  if (session.blocked) unblock(session, Unblock::kGone);
  endWait(session, Unblock::kGone);
  unwatchAll(session);
  stopListening(engine_, session);
  std::erase(toFlush_, at->second.get());
  std::erase(commitWaiters_, at->second.get());
  if (std::erase(paused_, id) != 0) engine_.blockedCounter().fetch_sub(1, std::memory_order_relaxed);
  engine_.clients().remove(*session.info);
  engine_.clientEviction().forget(*session.info);
  connections_.erase(at);
}

// --- From bytes to replies -------------------------------------------------------------------------------------

size_t Worker::execute(Connection& connection, std::string_view bytes) {
  Session& session = connection.session();
  refreshTime();
  if (!takeWorld(&session, nullptr)) {
    putBack(session);
    return 0;
  }
  wire::RequestLimits limits;
  limits.maxBulk = engine_.options().maxBulk.load(std::memory_order_relaxed);
  RunningCommand::ofThisThread(running_);
  size_t consumed = 0;
  bool more = true;
  while (more && session.suspended == Session::Suspended::kNo && !connection.closing() && !session.closeAfterReply) {
    limits.authenticated = session.authenticated || !acl::mustAuthenticate(engine_, session);
    size_t most = limits.authenticated ? kBatch : 1;
    size_t count = 0;
    size_t parsedTo = consumed;
    bool broken = false;
    while (count < most) {
      auto outcome = connection.parser().parse(bytes.substr(parsedTo), limits, parsed_[count]);
      if (outcome != wire::RequestParser::Outcome::kComplete) {
        broken = outcome == wire::RequestParser::Outcome::kProtocolError;
        more = false;
        break;
      }
      parsedTo += parsed_[count].bytes;
      ++count;
      if (parsedTo == bytes.size()) {
        more = false;
        break;
      }
    }
    prepareBatch(session, count);
    startTiming();
    size_t done = 0;
    for (; done < count; ++done) {
      Outcome outcome = executeOne(connection, parsed_[done], prepared_[done]);
      if (outcome == Outcome::kPutBack) break;
      consumed += parsed_[done].bytes;
      if (session.out.memory() > kOutputUnchecked && connection.overOutputLimit()) [[unlikely]]
        connection.closeOverLimit();
      if (outcome == Outcome::kSuspended || session.closeAfterReply || connection.closing()) {
        ++done;
        break;
      }
    }
    if (done < count) connection.parser() = wire::RequestParser();  // it stood behind what is put back
    if (done == count && broken && session.suspended == Session::Suspended::kNo && !session.closeAfterReply) {
      if (session.replyMode == ReplyMode::kOn) session.reply.error("ERR " + connection.parser().error());
      connection.logProtocolError(bytes.substr(consumed));
      session.closeAfterReply = true;
    }
    if (insideWorld_ && engine_.world().claimed()) leaveWorldForExclusive();  // the next command waits for it
  }
  running_.client = nullptr;
  if (insideWorld_) leaveWorldForExclusive();
  if (!session.out.empty() || session.closeAfterReply) queueFlush(connection);
  connection.publishInfo();
  return consumed;
}

bool Worker::takeWorld(Session* session, Task* wake) {
  if (insideWorld_) return true;
  WorldLock& world = engine_.world();
  if (world.tryEnter(number_)) [[likely]] return insideWorld_ = true;
  Task later = wake ? std::move(*wake) : wakeLater(session->id);
  do {
    if (world.tryEnter(number_)) {
      if (wake) *wake = std::move(later);
      return insideWorld_ = true;
    }
  } while (!world.waitEnter(std::move(later)));
  return false;
}

void Worker::leaveWorldForExclusive() {
  engine_.world().leave(number_);
  insideWorld_ = false;
}

// Clients send the same command over and over: the last one found is likely the next one asked for.
inline const command::CommandEntry* Worker::findCommand(std::string_view name) {
  if (name.size() == lastNameSize_ && std::memcmp(name.data(), lastName_.data(), name.size()) == 0) return lastEntry_;
  const command::CommandEntry* entry = engine_.commands().find(name);
  if (entry && name.size() <= lastName_.size()) {
    std::memcpy(lastName_.data(), name.data(), name.size());
    lastNameSize_ = name.size();
    lastEntry_ = entry;
  }
  return entry;
}

bool Worker::beginPrefetching() {
  if (!insideWorld_ && !engine_.world().tryEnter(number_)) return false;
  insideWorld_ = true;
  lookAtTables();
  return true;
}

void Worker::endPrefetching() {
  lookAway();
  leaveWorldForExclusive();
}

// Other workers, if there are any, change tables while this one looks at them.
inline void Worker::lookAtTables() {
  if (engine_.workerCount() != 1) engine_.keyspace().prefetching().enter(number_);
}

inline void Worker::lookAway() {
  if (engine_.workerCount() != 1) engine_.keyspace().prefetching().leave(number_);
}

void Worker::prepareBatch(Session& session, size_t count) {
  auto& keyspace = engine_.keyspace();
  const bool prefetches = count > 1 && insideWorld_;
  if (prefetches) lookAtTables();
  for (size_t i = 0; i < count; ++i) {
    Prepared& prepared = prepared_[i];
    prepared = {};
    const auto& args = parsed_[i].args;
    if (args.empty()) continue;
    prepared.entry = findCommand(args[0]);
    const size_t firstKey = prepared.entry != nullptr ? prepared.entry->firstKey : 0;
    if (firstKey == 0 || firstKey >= args.size()) continue;
    prepared.keyArgument = firstKey;
    prepared.hash = keyspace.hashOf(args[prepared.keyArgument]);
    if (prefetches) keyspace.prefetchBucket(session.db, prepared.hash);
  }
  if (!prefetches) return;
  for (size_t i = 0; i < count; ++i) {
    if (prepared_[i].keyArgument != 0) keyspace.prefetchEntry(session.db, prepared_[i].hash);
  }
  lookAway();
}

Worker::Outcome Worker::executeOne(Connection& connection, wire::ParsedCommand& parsed, const Prepared& prepared) {
  if (parsed.args.empty()) return Outcome::kDone;
  Session& session = connection.session();
  // Its end is on the way to this worker; whoever sent it relies on it that nothing more happens.
  if (session.info->killed.load(std::memory_order_relaxed)) [[unlikely]] {
    putBack(session);
    return Outcome::kPutBack;
  }
  // A command before this one may have left it for the exclusive side.
  if (!insideWorld_ && !takeWorld(&session, nullptr)) [[unlikely]] {
    putBack(session);
    return Outcome::kPutBack;
  }
  command::Args args(parsed.args);
  size_t mark = session.reply.mark();
  const size_t pending = session.out.pending();
  costsSlot_ = -1;
  const command::CommandEntry* entry = prepared.entry;
  if (entry && !entry->spec->subcommands.empty() && args.size() > 1) {
    if (const auto* sub = entry->subcommand(args[1])) entry = sub;
  }
  running_ = {session.info.get(), entry, args};
  Outcome outcome = Outcome::kDone;
  Ending ending = Ending::kRejected;
  int64_t nanos = 0;
  size_t logged = 0;
  const uint32_t errorsBefore = errorsSeen_ = session.reply.errors();
  const bool fits = entry && entry->takes(args.size());
  if (!fits) [[unlikely]]
    refuseShape(session, entry, args);
  if (fits) {
    if (pausedFor(session, *entry) || (engine_.routing() != nullptr && heldBack(session, *entry, args))) {
      pauseSession(session);
      return Outcome::kPutBack;
    }
    if (admit(session, *entry, args, prepared)) {
      session.info->lastCommand.store(entry, std::memory_order_relaxed);
      ending = Ending::kExecuted;
      if (session.transaction && !entry->runsInsideMulti()) {
        bool serves = true;
        if (slotUndecided_) [[unlikely]] outcome = checkQueued(session, *entry, args, serves);
        if (outcome == Outcome::kDone && serves) queueCommand(session, *entry, args);
        startTiming();
      } else {
        const size_t loggedBefore = execution_.loggedBytes();
        outcome = runLocked(session, *entry, args, prepared);
        logged = execution_.loggedBytes() - loggedBefore;
        if (outcome != Outcome::kPutBack) called(session, *entry, args, nanos = stopTiming());
      }
    }
  }
  if (outcome == Outcome::kPutBack) return outcome;
  if (session.reply.errors() != errorsSeen_) [[unlikely]] {
    noteErrors(session.reply, entry, ending);
    if (ending == Ending::kRejected) startTiming();
  }
  if (session.asking && !session.transaction && !(entry && entry->fullName == "asking")) [[unlikely]] session.asking = false;
  if (session.importing) [[unlikely]] afterImported(session, entry, session.reply.errors() != errorsBefore, mark);
  afterCommand(session, mark);
  if (costsSlot_ >= 0 && ending == Ending::kExecuted) [[unlikely]] {
    const size_t replicated = logged * engine_.state().replicas.load(std::memory_order_relaxed);
    const auto out = static_cast<int64_t>(session.out.pending() - pending + replicated);
    engine_.slotUsage().add(number_, static_cast<uint16_t>(costsSlot_), {nanos, static_cast<int64_t>(parsed.bytes), out});
  }
  if (session.listens) [[unlikely]] {
    const bool keeps = session.transaction || (entry && entry->parent && entry->parent->fullName == "client");
    if (session.tracking && !keeps) session.tracking->caching = false;
    if (inbox_.pending()) takeInbox();
  }
  return outcome;
}

void Worker::afterCommand(Session& session, size_t mark) {
  if (session.replyMode == ReplyMode::kOn) [[likely]]
    return;
  if (std::exchange(session.replyIsPush, false)) mark = session.reply.mark();
  switch (session.replyMode) {
    case ReplyMode::kOff:
      session.reply.rollback(mark);
      break;
    case ReplyMode::kSkipNext:  // set by the CLIENT REPLY SKIP that just ran
      session.replyMode = ReplyMode::kSkipping;
      break;
    case ReplyMode::kSkipping:
      session.reply.rollback(mark);
      session.replyMode = ReplyMode::kOn;
      break;
    case ReplyMode::kOn:
      break;
  }
}

// --- Running under locks ---------------------------------------------------------------------------------------

// What others did before, under the locks that are held now, reaches the client before the reply that may show it.
inline void Worker::beforeRun(Session& session) {
  if (!session.listens) [[likely]]
    return;
  // What CLIENT REPLY keeps back is taken out again from where it began: nothing may join it.
  if (session.replyMode == ReplyMode::kOn && inbox_.pending()) takeInbox();
}

Worker::Outcome Worker::runLocked(Session& session, const command::CommandEntry& entry, command::Args args,
                                  const Prepared& prepared) {
  if (&entry == execEntry_) return runExec(session, entry, args);
  uint64_t flags = entry.spec->flags;
  auto& locks = execution_.locks();
  if (prepared.keyArgument != 0 && entry.takesOneKey(args.size()) && prepared.keyArgument == entry.firstKey) [[likely]] {
    const auto shard = static_cast<uint32_t>(engine_.keyspace().shardNumberOf(prepared.hash));
    if (!locks.acquireOne(shard) && !waitForShard(shard, session.id)) [[unlikely]] {
      putBack(session);
      return Outcome::kPutBack;
    }
  } else if (command::takesWorld(*entry.spec, args)) {
    if (!enterExclusive(wakeLater(session.id))) {
      putBack(session);
      return Outcome::kPutBack;
    }
    locks.setWorld(true);
  } else if ((flags & command::kNoLocks) == 0) {
    if (!lockKeys(session, entry, args)) return Outcome::kPutBack;
  }
  if (engine_.reservations() != 0 && keptFrom(session, entry, args)) [[unlikely]] return Outcome::kPutBack;
  if (engine_.routing() != nullptr && !stillServesSlot(session, entry, args)) [[unlikely]] {
    unlockAll();
    return session.suspended == Session::Suspended::kNo ? Outcome::kDone : Outcome::kPutBack;
  }
  beforeRun(session);
  execution_.begin(nowMs_, false);
  execution_.run(session, entry, args, session.reply, prepared.keyArgument, prepared.hash);
  return endUnit(session);
}

Worker::Outcome Worker::endUnit(Session& session) {
  bool blocks = execution_.wantsBlock();
  oplog::Offset depends = execution_.finish();
  if (depends != 0 && !engine_.commit().reached(depends)) session.barrier = std::max(session.barrier, depends);
  if (execution_.written() > session.lastWrite) session.lastWrite = execution_.written();
  if (blocks) suspendBlocked(session);
  unlockAll();
  if (execution_.madeReservations()) [[unlikely]] serveReserved();
  if (session.suspended != Session::Suspended::kNo) return Outcome::kSuspended;
  return Outcome::kDone;
}

void Worker::unlockAll() {
  auto& locks = execution_.locks();
  if (locks.world()) {
    locks.setWorld(false);
    engine_.world().releaseExclusive();
    return;
  }
  locks.release();
}

Worker::Outcome Worker::runExec(Session& session, const command::CommandEntry& entry, command::Args args) {
  Transaction* transaction = session.transaction.get();
  bool world = false;
  shardScratch_.clear();
  std::vector<std::vector<std::string_view>> commands;
  if (transaction && !transaction->failed) {
    for (const QueuedCommand& queued : transaction->commands) {
      auto& words = commands.emplace_back();
      const char* at = queued.bytes.data();
      for (uint32_t size : queued.sizes) {
        words.emplace_back(at, size);
        at += size;
      }
      uint64_t flags = queued.command->spec->flags;
      if (command::takesWorld(*queued.command->spec, words)) world = true;
      if ((flags & command::kNoLocks) == 0) shardsOf(*queued.command, words, shardScratch_);
    }
  }
  for (const WatchedKey& key : session.watched) {
    shardScratch_.push_back(static_cast<uint32_t>(engine_.keyspace().shardNumberOf(key.hash)));
  }
  if (world) {
    if (!enterExclusive(wakeLater(session.id))) {
      putBack(session);
      return Outcome::kPutBack;
    }
    execution_.locks().setWorld(true);
  } else {
    normalise(shardScratch_);
    if (!lockShards(shardScratch_, session.id)) {
      putBack(session);
      return Outcome::kPutBack;
    }
  }
  for (size_t i = 0; engine_.reservations() != 0 && i < commands.size(); ++i) {
    if (keptFrom(session, *transaction->commands[i].command, commands[i])) return Outcome::kPutBack;
  }
  if (engine_.routing() != nullptr && !stillServesSlot(session, entry, args)) [[unlikely]] {
    unlockAll();
    return session.suspended == Session::Suspended::kNo ? Outcome::kDone : Outcome::kPutBack;
  }
  beforeRun(session);
  execution_.begin(nowMs_, true);
  execution_.run(session, entry, args, session.reply);
  if (session.execReady) {
    session.execReady = false;
    auto running = std::move(session.transaction);
    session.reply.array(commands.size());
    for (size_t i = 0; i < commands.size(); ++i) {
      const command::CommandEntry& inner = *running->commands[i].command;
      const int64_t began = engine_.system().clock.nanos();
      if (!stillPermitted(session, inner, commands[i])) continue;
      execution_.run(session, inner, commands[i], session.reply);
      called(session, inner, commands[i], engine_.system().clock.nanos() - began);
      noteErrors(session.reply, &inner, Ending::kExecuted);
    }
    execution_.show(session, args);
  }
  return endUnit(session);
}

Worker::Outcome Worker::executeTrusted(Session& session, const command::CommandEntry& entry, command::Args args,
                                       Task wake) {
  refreshTime();
  auto& locks = execution_.locks();
  if (command::takesWorld(*entry.spec, args)) {
    if (!enterExclusive(std::move(wake))) return Outcome::kPutBack;
    locks.setWorld(true);
  } else {
    if (!takeWorld(nullptr, &wake)) return Outcome::kPutBack;
    evictor_.relieve();  // a replica does so only if it is told to; what it hears is done in any case
    shardScratch_.clear();
    if ((entry.spec->flags & command::kNoLocks) == 0) shardsOf(entry, args, shardScratch_);
    normalise(shardScratch_);
    bool locked = lockShards(shardScratch_, std::move(wake));
    if (locked && engine_.reservations() != 0 &&
        execution_.waitsForReserved(entry, args, nullptr, UINT64_MAX, std::move(wake))) {
      locks.release();
      locked = false;
    }
    if (!locked) {
      leaveWorldForExclusive();
      return Outcome::kPutBack;
    }
  }
  execution_.begin(nowMs_, false);
  execution_.run(session, entry, args, session.reply);
  return Outcome::kDone;
}

void Worker::finishTrusted() {
  execution_.finish();
  unlockAll();
  if (execution_.madeReservations()) serveReserved();
  if (insideWorld_) leaveWorldForExclusive();
}

void Worker::beginTrusted() {
  refreshTime();
  startTiming();
  execution_.locks().setWorld(true);
  execution_.begin(nowMs_, false);
}

void Worker::runTrusted(Session& session, const command::CommandEntry& entry, command::Args args) {
  execution_.run(session, entry, args, session.reply);
  if (session.fromMaster) called(session, entry, args, stopTiming());
}

void Worker::endTrusted() {
  execution_.finish();
  execution_.locks().setWorld(false);
}

void Worker::beginShare() {
  refreshTime();
  startTiming();
  execution_.locks().setWorld(true);
}

void Worker::runOfShare(Session& session, const command::CommandEntry& entry, command::Args args, uint64_t keyHash) {
  execution_.begin(nowMs_, false);
  execution_.run(session, entry, args, session.reply, entry.firstKey, keyHash);
  execution_.finish();
  called(session, entry, args, stopTiming());
}

void Worker::endShare() { execution_.locks().setWorld(false); }

}  // namespace vigil::engine
