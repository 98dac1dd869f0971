// Cluster mode, from the side of a worker: each command's slot is checked when it is admitted, inside the world; and once
// more under its locks where that is what decides, or the routing has changed in between.
#include "base/crc16.h"
#include "base/text.h"
#include "engine/connection.h"
#include "engine/engine.h"
#include "engine/slot_check.h"
#include "engine/subscriptions.h"
#include "engine/worker.h"
#include "keyspace/key_hash.h"

namespace vigil::engine {

namespace {

// The calls of a transaction, as views of what it has queued.
void addQueued(const Transaction& transaction, int db, int64_t databases, SlotQuestion& question,
               std::vector<std::vector<std::string_view>>& words) {
  words.reserve(transaction.commands.size());
  for (const QueuedCommand& queued : transaction.commands) {
    auto& args = words.emplace_back();
    const char* at = queued.bytes.data();
    for (uint32_t size : queued.sizes) {
      args.emplace_back(at, size);
      at += size;
    }
    question.calls.push_back({queued.command, args, db});
    const auto selected = queued.command->fullName == "select" ? parseInt64(args[1]) : std::nullopt;
    if (selected && *selected >= 0 && *selected < databases) db = static_cast<int>(*selected);
    question.write = question.write || (queued.command->spec->flags & (command::kWrite | command::kMayReplicate)) != 0;
  }
}

SlotQuestion questionOf(Session& session, const command::CommandEntry& entry, bool exec, command::Args args,
                        size_t databases, std::vector<std::vector<std::string_view>>& words) {
  SlotQuestion question;
  question.asking = session.asking;
  question.readsReplica = session.readsReplica;
  if (exec) {
    if (session.transaction) addQueued(*session.transaction, session.db, static_cast<int64_t>(databases), question, words);
  } else {
    question.calls.push_back({&entry, args, session.db});
    question.write = (entry.spec->flags & (command::kWrite | command::kMayReplicate)) != 0;
  }
  return question;
}

}  // namespace

bool Worker::servesSlot(Session& session, const command::CommandEntry& entry, command::Args args,
                        const Prepared* prepared, bool locked) {
  const cluster::Routing& routing = *engine_.routing();
  slotsCheckedAt_ = engine_.routingNumber();
  slotUndecided_ = false;
  costsSlot_ = -1;
  if (session.importing) [[unlikely]] return importsSlots(session, entry, args);
  const bool counted = engine_.options().monitoring.slotStats.load(std::memory_order_relaxed);
  if (prepared != nullptr && entry.takesOneKey(args.size()) && prepared->keyArgument == entry.firstKey && routing.up &&
      routing.settled.test(keyspace::KeyHash::slotOf(prepared->hash))) {
    if (counted) [[unlikely]] costsSlot_ = keyspace::KeyHash::slotOf(prepared->hash);
    return true;
  }
  std::vector<std::vector<std::string_view>> words;
  const SlotQuestion question =
      questionOf(session, entry, &entry == execEntry_, args, engine_.keyspace().databaseCount(), words);
  KeyExists exists;
  if (locked) exists = [&](int db, std::string_view key) { return execution_.holdsKey(db, key, nowMs_); };
  const SlotVerdict verdict = checkSlots(routing, question, exists);
  if (verdict.keyless) slotsCheckedAt_ = 0;
  slotUndecided_ = verdict.undecided;
  if (counted && !verdict.keyless && verdict.error.empty()) costsSlot_ = verdict.slot;
  return verdict.error.empty() || redirect(session, entry, verdict.error);
}

bool Worker::redirect(Session& session, const command::CommandEntry& entry, std::string_view error) {
  if (&entry == execEntry_) {  // not EXECABORT: the client goes where it is sent, with the whole transaction
    session.transaction.reset();
    unwatchAll(session);
  } else if (session.transaction) {
    session.transaction->failed = true;
  }
  session.reply.error(error);
  return false;
}

// Before it is admitted, and again under its locks where the routing has changed in between. What is queued for EXEC waits
// with that.
bool Worker::heldBack(Session& session, const command::CommandEntry& entry, command::Args args) {
  const cluster::Routing& routing = *engine_.routing();  // who calls has seen that there is one
  if (!routing.holds) [[likely]] return false;
  const bool exec = &entry == execEntry_;
  if ((session.transaction && !exec) || session.importing) return false;
  std::vector<std::vector<std::string_view>> words;
  return slotsHeld(routing, questionOf(session, entry, exec, args, engine_.keyspace().databaseCount(), words));
}

void Worker::pauseSession(Session& session) {
  session.suspended = Session::Suspended::kPaused;
  engine_.blockedCounter().fetch_add(1, std::memory_order_relaxed);
  paused_.push_back(session.id);
}

// What another node sends us of its slots touches these alone, and only while they are hidden here.
bool Worker::importsSlots(Session& session, const command::CommandEntry& entry, command::Args args) {
  if (entry.fullName.starts_with("cluster") || entry.fullName == "select") return true;
  std::vector<std::vector<std::string_view>> words;
  const SlotQuestion question = questionOf(session, entry, &entry == execEntry_, args, engine_.keyspace().databaseCount(), words);
  const auto& hidden = engine_.keyspace().hiddenSlots();
  const SlotSet& slots = session.import->slots();
  if (staysWithin(question, [&](uint16_t slot) { return slots.test(slot) && hidden.test(slot); })) return true;
  session.reply.error("ERR '" + entry.fullName + "' names no key of the slots that are being imported");
  return false;
}

// Nobody reads what is answered to single commands, unless something went wrong: then all was in vain.
void Worker::afterImported(Session& session, const command::CommandEntry* entry, bool failed, size_t mark) {
  if (entry != nullptr && entry->fullName.starts_with("cluster")) return;
  if (!failed) return session.reply.rollback(mark);
  session.import->fail("'" + (entry != nullptr ? entry->fullName : std::string("an unknown command")) +
                       "' failed with " + session.reply.lastErrorCode());
  session.closeAfterReply = true;
}

// Under the command's locks. False after the error, or if it has to wait.
bool Worker::stillServesSlot(Session& session, const command::CommandEntry& entry, command::Args args) {
  if (slotsCheckedAt_ == 0 || (!slotUndecided_ && slotsCheckedAt_ == engine_.routingNumber())) return true;
  if (slotsCheckedAt_ != engine_.routingNumber() && heldBack(session, entry, args)) {
    pauseSession(session);
    return false;
  }
  return servesSlot(session, entry, args, nullptr, true);
}

// Whether a command may be queued whose slot is on its way: if its keys are not here, its client is sent away at once.
Worker::Outcome Worker::checkQueued(Session& session, const command::CommandEntry& entry, command::Args args, bool& serves) {
  if (!lockKeys(session, entry, args)) return Outcome::kPutBack;
  serves = stillServesSlot(session, entry, args);
  unlockAll();
  return Outcome::kDone;
}

void Worker::endMisplacedWaits() {
  for (auto& [id, connection] : connections_) {
    const auto& call = connection->session().blocked;
    if (call && !call->keys.empty() && !misplaced(*call).empty()) unblock(connection->session(), Unblock::kMisplaced);
    if (connection->session().subscriptions) endMisplacedSubscriptions(*connection);
  }
}

// Of shard channels whose slots this node serves no more, as a master or as its replica.
void Worker::endMisplacedSubscriptions(Connection& connection) {
  const auto routing = engine_.sharedRouting();
  if (routing == nullptr) return;
  const auto ended = leaveShardChannels(engine_, connection.session(), [&](std::string_view channel) {
    return !slotError(*routing, keySlot(channel), true).empty();
  });
  if (ended.empty()) return;
  takeInbox();  // what came before comes before
  for (const auto& [channel, left] : ended) connection.receive(Message::sunsubscribed(channel, left), 0);
}

void Worker::countForSlot(const BlockedCall& call, int64_t nanos, size_t bytesOut) {
  if (!engine_.clusterMode() || call.keys.empty()) return;
  if (!engine_.options().monitoring.slotStats.load(std::memory_order_relaxed)) return;
  engine_.slotUsage().add(number_, keyspace::KeyHash::slotOf(call.keys.front().hash),
                          {nanos, 0, static_cast<int64_t>(bytesOut)});
}

std::string Worker::misplaced(const BlockedCall& call) const {
  const auto routing = engine_.sharedRouting();
  if (routing == nullptr) return {};
  if (!routing->up && !routing->readsWhenDown) return "CLUSTERDOWN The cluster is down";
  return slotError(*routing, keyspace::KeyHash::slotOf(call.keys.front().hash), false);
}

}  // namespace vigil::engine
