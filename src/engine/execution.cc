#include "engine/execution.h"

#include <algorithm>
#include <cassert>

#include "base/ports/entropy.h"
#include "base/simulation.h"
#include "command/command_table.h"
#include "engine/acl/check.h"
#include "engine/acl/gate.h"
#include "engine/blocked_call.h"
#include "engine/engine.h"
#include "engine/session.h"
#include "engine/worker.h"
#include "wire/resp_writer.h"

namespace vigil::engine {

using command::Args;
using command::EventClass;
using keyspace::Database;
using keyspace::ExpiryMode;
using keyspace::KeyRef;

Execution::Execution(Engine& engine, Worker& worker) : engine_(engine), worker_(worker), locks_(engine.keyspace()), outgoing_(engine, worker) {
  databases_.reserve(engine.keyspace().databaseCount());
  for (size_t i = 0; i < engine.keyspace().databaseCount(); ++i) {
    databases_.emplace_back(engine.keyspace(), static_cast<int>(i));
  }
}

inline void Execution::beginRecord(bool atomic) {
  atomic_ = atomic;
  changes_ = 0;
  offset_ = 0;
  scanned_ = 0;
  changedData_ = false;
  audience_ = engine_.options().audience.load();
  if (audience_ != 0 && engine_.state().loading.load(std::memory_order_relaxed)) [[unlikely]]
    audience_ &= Audience::kTracking;
  if (!effects_.empty()) [[unlikely]]
    effects_.clear();
  // A replica's log is its master's stream; local writes are not passed on.
  logged_ = engine_.log().active() && !engine_.state().replica.load(std::memory_order_relaxed);
}

void Execution::begin(UnixMs now, bool atomic) {
  now_ = now;
  if (!ready_.empty()) [[unlikely]]
    ready_.clear();
  beginRecord(atomic);
}

void Execution::prepare(Database& database) {
  ExpiryMode mode = ExpiryMode::kDelete;
  if (session_->follows()) {
    mode = ExpiryMode::kIgnore;
  } else if (engine_.state().replica.load(std::memory_order_relaxed) || engine_.expiryPaused()) {
    mode = ExpiryMode::kHide;
  }
  database.prepare(now_, mode, this, !session_->noTouch);
  database.announce((audience_ & static_cast<uint32_t>(EventClass::kNew)) != 0,
                    (audience_ & static_cast<uint32_t>(EventClass::kKeyMiss)) != 0);
}

void Execution::run(command::Session& session, const command::CommandEntry& command, Args args, command::Reply& reply,
                    size_t keyArgument, uint64_t keyHash) {
  session_ = &session;
  command_ = &command;
  spec_ = command.spec;
  owner_ = command.owner;
  args_ = args;
  reply_ = &reply;
  firstHash_ = {keyArgument, keyHash};
  if (!hashes_.empty()) hashes_.clear();
  if (!redacted_.empty() && !resumed_) [[unlikely]] redacted_.clear();
  if (session.importing) [[unlikely]]
    audience_ = 0;  // nobody is to know of what is not ours yet
  db_ = &databases_[static_cast<size_t>(session.db)];
  prepare(*db_);
  notifyDb_ = session.db;
  asSent_ = true;
  commandChanged_ = false;
  wantsBlock_ = false;
  mayBlock_ = !atomic_ && !session.follows();

  command.spec->handler(*this);

  if ((audience_ & (Audience::kMonitors | Audience::kTracking)) != 0 && !resumed_) [[unlikely]] {
    const auto& client = static_cast<const Session&>(session);
    constexpr uint64_t kHidden = command::kAdmin | command::kSkipMonitor;
    if ((command.spec->flags & kHidden) == 0 && !client.execReady) show(client, args);
    noteReads(client, command, args);
  }
  changedData_ |= commandChanged_;
  if (commandChanged_ && asSent_ && logged_ && !session.fromMaster) {
    // A single command without other effects goes to the log straight from the client's buffer.
    if (!atomic_ && effects_.empty()) {
      offset_ = engine_.log().append(session.db, args);
      if (engine_.options().monitoring.slotStats.load(std::memory_order_relaxed)) [[unlikely]]
        loggedBytes_ += wire::encodedCommandSize(args);
    } else {
      effects_.add(session.db, args);
    }
  }
}

void Execution::show(const Session& session, Args args) {
  if ((audience_ & Audience::kMonitors) == 0 || session.info == nullptr) return;
  outgoing_.show(Monitors::describe(session.db, *session.info, args, redacted_));
}

KeyRef Execution::key(size_t argument) {
  if (argument == firstHash_.argument) [[likely]]
    return {args_[argument], firstHash_.hash};
  for (const KeyHash& known : hashes_) {
    if (known.argument == argument) return {args_[argument], known.hash};
  }
  uint64_t hash = engine_.keyspace().hashOf(args_[argument]);
  hashes_.push_back({argument, hash});
  return {args_[argument], hash};
}

Database* Execution::database(int64_t index) {
  if (index < 0 || index >= static_cast<int64_t>(databases_.size())) return nullptr;
  Database& database = databases_[static_cast<size_t>(index)];
  prepare(database);
  return &database;
}

keyspace::Keyspace& Execution::keyspace() { return engine_.keyspace(); }

bool Execution::mayAccessAllKeys(uint32_t keyFlags) {
  const auto& user = static_cast<Session&>(*session_).access.user;
  std::vector<command::KeyPosition> scratch;
  return user == nullptr || user->unrestricted() || acl::allowsOnAllKeys(*user, *command_, args_, keyFlags, scratch);
}

uint64_t Execution::random() { return engine_.system().entropy.next64(); }

ShardState& Execution::stateOf(uint64_t hash) { return engine_.shardState(engine_.keyspace().shardNumberOf(hash)); }

void Execution::onChanged(const KeyRef& key, EventClass eventClass, std::string_view name, size_t count) {
  commandChanged_ = true;
  changes_ += static_cast<int64_t>(count);
  if (ShardState& state = stateOf(key.hash); !state.watches.empty()) [[unlikely]]
    touchWatched(state, key);
  if ((audience_ & Audience::kTracking) != 0) [[unlikely]]
    invalidate(key.name, key.hash, session_->id);
  event(eventClass, name, key);
}

void Execution::touchWatched(ShardState& state, const KeyRef& key) {
  state.touch(notifyDb_, key.name, [&] {
    const keyspace::Table* table = engine_.keyspace().shardOf(key.hash).table(notifyDb_);
    return table == nullptr || !table->find(key);
  });
}

void Execution::event(EventClass eventClass, std::string_view name, const KeyRef& key) {
  tell(notifyDb_, eventClass, name, key.name);
}

void Execution::tellEvent(int db, std::string_view name, std::string_view key) {
  if (engine_.pubsub().anyone()) outgoing_.keyEvent(audience_, db, name, key);
}

void Execution::onCreated(int db, const KeyRef& key) { tell(db, EventClass::kNew, "new", key.name); }

void Execution::onMissed(int db, const KeyRef& key) { tell(db, EventClass::kKeyMiss, "keymiss", key.name); }

void Execution::publish(PubSub::Space space, std::string_view channel, std::string_view payload, bool receivers) {
  if (engine_.state().loading.load(std::memory_order_relaxed)) return;  // of old, from an AOF
  const auto& session = static_cast<Session&>(*session_);
  if (receivers) {
    outgoing_.publish(space, channel, payload);
    // Who is told of a write in this way must not know of it before its own client may.
    outgoing_.dependOn(session.barrier);
  }
  if (session.fromMaster) return;
  if (engine_.broadcast()) {
    engine_.broadcast()(space, channel, payload);  // the bus reaches the replicas too
  } else if (logged_ && engine_.log().replicating()) {
    effects_.add(session.db, args_);
  }
}

void Execution::propagate(Args command) {
  asSent_ = false;
  commandChanged_ = true;
  if (logged_ && !session_->fromMaster) effects_.add(session_->db, command);
}

bool Execution::databaseFlushed(int db) {
  commandChanged_ = true;
  const bool answeredLater = db == -1 && engine_.allFlushed(*this);
  if ((audience_ & Audience::kTracking) != 0) invalidateAll();
  auto& keyspace = engine_.keyspace();
  for (size_t shard = 0; shard < keyspace.shardCount(); ++shard) {
    for (auto& [watched, watches] : engine_.shardState(shard).watches) {
      if (db != -1 && watched.db != db) continue;
      const keyspace::Table* table = keyspace.shard(shard).table(watched.db);
      if (!table || !table->find(keyspace.ref(watched.key))) continue;
      for (const Watch& watch : watches) {
        if (!watch.wasExpired) watch.fail();
      }
    }
  }
  for (size_t i = 0; i < keyspace.databaseCount(); ++i) {
    if (db == -1 || static_cast<size_t>(db) == i) changes_ += static_cast<int64_t>(keyspace.size(static_cast<int>(i)));
  }
  return answeredLater;
}

void Execution::databasesSwapped(int a, int b) {
  commandChanged_ = true;
  ++changes_;
  if (a == b) return;  // a write that is counted and logged, and nothing more
  if ((audience_ & Audience::kTracking) != 0) invalidateAll();
  auto& keyspace = engine_.keyspace();
  for (size_t shard = 0; shard < keyspace.shardCount(); ++shard) {
    ShardState& state = engine_.shardState(shard);
    auto existsIn = [&](int db, const std::string& key) {
      const keyspace::Table* table = keyspace.shard(shard).table(db);
      return table && table->find(keyspace.ref(key));
    };
    for (auto& [watched, watches] : state.watches) {
      if (watched.db != a && watched.db != b) continue;
      if (!existsIn(a, watched.key) && !existsIn(b, watched.key)) continue;
      for (const Watch& watch : watches) watch.fail();
    }
    for (auto& [blocked, calls] : state.blocked) {
      if ((blocked.db == a || blocked.db == b) && existsIn(blocked.db, blocked.key)) {
        ready_.push_back({blocked.db, blocked.key, keyspace.hashOf(blocked.key)});
      }
    }
  }
}

void Execution::ready(const KeyRef& key) {
  ShardState& state = stateOf(key.hash);
  if (state.blocked.empty()) [[likely]]
    return;
  if (!state.blocked.contains(DatabaseKeyView{notifyDb_, key.name})) return;
  ready_.push_back({notifyDb_, std::string(key.name), key.hash});
}

void Execution::block(std::span<const size_t> keyArguments, int64_t timeoutUs, command::TimeoutReply onTimeout) {
  assert(mayBlock_);
  wantsBlock_ = true;
  blockTimeoutUs_ = timeoutUs;
  if (block_) return;  // a served call that goes on waiting
  block_ = std::make_shared<BlockedCall>();
  block_->session = *session_;
  block_->access = static_cast<Session*>(session_)->access;
  block_->worker = &worker_;
  block_->command = command_;
  block_->onTimeout = onTimeout;
  size_t total = 0;
  for (auto arg : args_) total += arg.size();
  block_->bytes.reserve(total);
  for (auto arg : args_) {
    block_->args.emplace_back(block_->bytes.data() + block_->bytes.size(), arg.size());
    block_->bytes.append(arg);
  }
  for (size_t argument : keyArguments) block_->keys.push_back({argument, key(argument).hash});
}

std::shared_ptr<BlockedCall> Execution::takeBlock() {
  wantsBlock_ = false;
  for (const BlockedCall::Key& key : block_->keys) {
    stateOf(key.hash).block(block_->session.db, block_->args[key.argument], block_);
  }
  return std::move(block_);
}

void Execution::onExpired(int db, const KeyRef& key) {
  keyGone(db, key, EventClass::kExpired, "expired", engine_.options().lazyFreeing.expire.load(std::memory_order_relaxed));
}

void Execution::keyGone(int db, const KeyRef& key, EventClass eventClass, std::string_view name, bool unlink) {
  stateOf(key.hash).touch(db, key.name, [] { return true; });
  if ((audience_ & Audience::kTracking) != 0) [[unlikely]]
    invalidate(key.name, key.hash, 0);
  changedData_ = true;
  tell(db, eventClass, name, key.name);
  if (logged_) {
    std::string_view command[] = {unlink ? "UNLINK" : "DEL", key.name};
    if (expiring_) {
      offset_ = engine_.log().append(db, command);
    } else {
      effects_.add(db, command);
    }
  }
}

bool Execution::expireShard(size_t shard, UnixMs now, size_t budget) {
  if (engine_.keyspace().shard(shard).anyAtRest()) [[unlikely]] return false;
  begin(now, false);
  expiring_ = true;
  bool due = false;
  for (size_t db = 0; db < databases_.size(); ++db) {
    bool more = false;
    engine_.keyspace().shard(shard).expireSome(static_cast<int>(db), now, budget, *this, more);
    due = due || more;
  }
  expiring_ = false;
  finish();
  return due;
}

int64_t Execution::evict(size_t shardNumber, UnixMs now, int db, uint64_t hash, bool lazily) {
  keyspace::Shard& shard = engine_.keyspace().shard(shardNumber);
  keyspace::Table* table = shard.table(db);
  const keyspace::Table::Place place = table ? table->findHash(hash) : keyspace::Table::Place();
  if (!place) return 0;
  begin(now, false);
  expiring_ = true;
  keyGone(db, {place.entry()->key(), hash}, EventClass::kEvicted, "evicted", lazily);
  const int64_t bytes = shard.evict(db, *table, hash, place, lazily);
  expiring_ = false;
  finish();
  return bytes;
}

bool Execution::holdsKey(int db, std::string_view key, UnixMs now) const {
  const keyspace::KeyRef ref = engine_.keyspace().ref(key);
  const keyspace::Table* table = engine_.keyspace().shardOf(ref.hash).table(db);
  const auto place = table != nullptr ? table->find(ref) : keyspace::Table::Place();
  return place && !place.entry()->expired(now);
}

void Execution::dropSlot(int db, uint16_t slot, UnixMs now) {
  keyspace::Keyspace& keyspace = engine_.keyspace();
  keyspace::Shard& shard = keyspace.shard(keyspace.shardNumberOfSlot(slot));
  std::vector<std::string> keys;
  shard.eachInSlot(db, slot, [&](const keyspace::Entry& entry) {
    keys.emplace_back(entry.key());
    return true;
  });
  dropKeys(db, keys, now);
}

void Execution::dropKeys(int db, std::span<const std::string> keys, UnixMs now) {
  keyspace::Keyspace& keyspace = engine_.keyspace();
  for (const std::string& name : keys) {
    const KeyRef key = keyspace.ref(name);
    keyspace::Shard& shard = keyspace.shardOf(key.hash);
    keyspace::Table& table = shard.makeTable(db);
    const auto place = table.find(key);
    if (!place) continue;
    begin(now, false);
    if (keyspace.hidden(name)) audience_ = 0;
    expiring_ = true;
    keyGone(db, key, EventClass::kGeneric, "del", true);
    shard.discard(shard.remove(db, table, key.hash, place), true);
    expiring_ = false;
    finish();
  }
}

bool Execution::tryEnter(size_t shard) {
  if (locks_.holds(shard)) {
    entered_ = false;
    return true;
  }
  entered_ = engine_.keyspace().shard(shard).lock.tryLock();
  if (entered_) scanned_ = std::max(scanned_, engine_.shardState(shard).lastWrite);
  return entered_;
}

void Execution::leave(size_t shard) {
  if (entered_) engine_.keyspace().shard(shard).lock.unlock();
  entered_ = false;
}

void Execution::appendEffects() {
  offset_ = effects_.appendTo(engine_.log(), effects_.size() > 1);
  if (engine_.options().monitoring.slotStats.load(std::memory_order_relaxed)) [[unlikely]]
    loggedBytes_ += effects_.encodedSize(effects_.size() > 1);
  effects_.clear();
}

inline void Execution::logEffects() {
  if (changes_ != 0) {
    worker_.stats().dirty.add(changes_);
    changes_ = 0;
  }
  if (!effects_.empty()) [[unlikely]]
    appendEffects();
}

// Where there is a log: notes the unit's record in the shards that it held; returns the offset that a reply of the unit
// depends on.
oplog::Offset Execution::noteOffset() {
  const oplog::Offset written = changedData_ ? offset_ : 0;
  oplog::Offset depends = std::max(written, scanned_);
  auto visit = [&](ShardState& state) {
    if (written > state.lastWrite) state.lastWrite = written;
    depends = std::max(depends, state.lastWrite);
  };
  if (locks_.world()) {
    for (size_t shard = 0; shard < engine_.keyspace().shardCount(); ++shard) visit(engine_.shardState(shard));
  } else {
    for (uint32_t shard : locks_.held()) visit(engine_.shardState(shard));
  }
  return depends;
}

oplog::Offset Execution::deliverRecord() {
  PubSub::Hold hold(engine_.pubsub(), outgoing_.stripes());
  logEffects();
  const oplog::Offset depends = logged_ ? noteOffset() : 0;
  outgoing_.deliver(depends);
  return depends;
}

// Logs the record and tells the others.
inline oplog::Offset Execution::endRecord() {
  if (!outgoing_.empty()) [[unlikely]]
    return deliverRecord();
  logEffects();
  return logged_ ? noteOffset() : 0;
}

oplog::Offset Execution::finish() {
  const oplog::Offset depends = endRecord();
  if (!ready_.empty()) [[unlikely]]
    serveReady();
  return depends;
}

// --- Serving blocked calls -------------------------------------------------------------------------------------

void Execution::serveReady() {
  // Serving may make further keys ready (BLMOVE), which are appended behind.
  for (size_t i = 0; i < ready_.size(); ++i) serveWaiting(ReadyKey(ready_[i]));
  ready_.clear();
}

void Execution::serveWaiting(const ReadyKey& key) {
  ShardState& state = stateOf(key.hash);
  for (const Reservation& reservation : state.reserved) {
    if (reservation.db == key.db && reservation.key == key.key) return;  // who serves that one goes on with the others
  }
  auto at = state.blocked.find(DatabaseKeyView{key.db, key.key});
  if (at == state.blocked.end()) return;
  auto waiting = at->second;  // a copy: serving changes the queue
  for (auto& call : waiting) {
    const keyspace::Table* table = engine_.keyspace().shardOf(key.hash).table(key.db);
    if (!table || !table->find({key.key, key.hash})) return;
    if (serve(call, key.key) == Served::kNeedsLocks) return reserve(key, call);  // and nobody behind it is served before
  }
}

bool Execution::lockKeysOf(const BlockedCall& call) {
  for (const auto& [argument, hash] : call.keys) {
    if (!locks_.tryAdd(engine_.keyspace().shardNumberOf(hash))) return false;
  }
  std::vector<command::KeyPosition> positions;
  if (!command::findKeys(*call.command->spec, call.args, positions)) return true;
  for (const auto& position : positions) {
    uint64_t hash = engine_.keyspace().hashOf(call.args[static_cast<size_t>(position.argument)]);
    if (!locks_.tryAdd(engine_.keyspace().shardNumberOf(hash))) return false;
  }
  return true;
}

// The call goes on waiting, unless its end was asked for while it was claimed.
void Execution::giveBack(const std::shared_ptr<BlockedCall>& call) {
  if (auto ended = call->release()) call->worker->endBlocked(call, *ended);
}

Execution::Served Execution::serve(const std::shared_ptr<BlockedCall>& call, std::string_view key) {
  if (!call->claim()) return Served::kNo;
  if (!lockKeysOf(*call) || (engine_.reservations() != 0 && !locks_.world() && servingNumber_ == UINT64_MAX &&
                             findReserved(*call->command, call->args, call.get(), UINT64_MAX))) {
    giveBack(call);
    return Served::kNeedsLocks;
  }
  command::OutputBuffer out;
  command::Reply reply(out, call->session.protocol);
  const int64_t began = engine_.system().clock.nanos();
  beginRecord(false);
  block_ = call;
  resumed_ = true;
  resumedKey_ = key;
  if (acl::mayServe(engine_, *call, reply)) run(call->session, *call->command, call->args, reply);
  resumedKey_ = {};
  resumed_ = false;
  block_.reset();
  if (wantsBlock_) {
    wantsBlock_ = false;
    endRecord();  // a key that had expired is gone all the same
    giveBack(call);
    return Served::kNo;
  }
  if (planted(PlantedBug::kServeBlockedTwice)) {
    giveBack(call);
  } else {
    call->served();
    for (const auto& [argument, hash] : call->keys) {
      stateOf(hash).unblock(call->session.db, call->args[argument], call.get());
    }
  }
  const oplog::Offset depends = endRecord();
  call->worker->finishBlocked(call, std::move(out), depends, engine_.system().clock.nanos() - began);
  return Served::kYes;
}

}  // namespace vigil::engine
