#include "drivers/replication/master_stream.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "base/simulation.h"
#include "base/text.h"
#include "command/command_table.h"
#include "command/log_note.h"
#include "engine/client_list.h"
#include "engine/engine.h"
#include "replication/planted_bugs.h"
#include "wire/resp_writer.h"

namespace vigil::drivers {

namespace {

constexpr size_t kReadBytes = 256 * 1024;
// Beyond it reading rests until it is applied, unless one unit is longer. Also what readers wait for at most: all that has
// come is applied at once. What waits at the master costs nothing there but a place in its log.
constexpr size_t kMaxUnread = 1 << 20;
constexpr size_t kMaxRead = 64 << 20;  // at once, of one argument
constexpr size_t kMaxReplies = 1 << 20;  // of one batch, dropped at its end anyway
constexpr MonoUs kAckPeriod = 1'000'000;

wire::RequestLimits trusted() {
  wire::RequestLimits limits;
  limits.maxBulk = UINT64_MAX / 4;
  return limits;
}

// What changes no data, so that a node which does not have the command loses nothing.
bool isHarmless(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kNames = {"publish", "spublish", "ping", "script"};
  for (auto harmless : kNames) {
    if (equalsIgnoreCase(name, harmless)) return true;
  }
  return false;
}

}  // namespace

MasterStream::MasterStream(Owner& owner, engine::Worker& worker, uint64_t attempt, std::unique_ptr<Stream> stream,
                           std::string input, int db)
    : owner_(owner), worker_(worker), attempt_(attempt), stream_(std::move(stream)), input_(std::move(input)) {
  session_.fromMaster = true;
  session_.db = db;
  session_.info = std::make_shared<engine::ClientInfo>(worker.engine().clients().nextId(), &worker);
  session_.id = session_.info->id;
  batch_ = std::make_shared<engine::TrustedBatch>(
      worker.engine(), session_.info,
      [this](const command::CommandEntry& entry, const std::string& error) { failed(entry, error); });
  lastIo_.store(worker.engine().system().clock.mono());
}

void MasterStream::list() {
  engine::ClientInfo& info = *session_.info;
  info.address = engine::addressText(stream_->peer());
  info.localAddress = engine::addressText(stream_->local());
  info.descriptor = stream_->descriptor();
  info.created = worker_.engine().system().clock.mono();
  info.lastInteraction.store(info.created);
  info.flags.store(engine::kClientMaster);
  info.change([](engine::ClientInfo::Names& names) { names.user = "(superuser)"; });
  info.closer = [weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self) return;
    self->worker_.loop().post([self] { self->end(Ending::kBroken, "CLIENT KILL"); });
  };
  worker_.engine().clients().add(session_.info);
}

void MasterStream::start() {
  list();
  worker_.loop().post([self = shared_from_this()] {
    if (self->ended_) return;
    self->received_.store(self->worker_.engine().log().end() + static_cast<oplog::Offset>(self->input_.size()));
    self->stream_->attach(self->worker_.loop(), *self);
    self->sendAck();
    self->ackLater();
    if (!self->input_.empty()) self->schedule();
  });
}

void MasterStream::stop() {
  worker_.loop().post([self = shared_from_this()] {
    self->ended_ = true;
    self->worker_.loop().cancel(self->ackTimer_);
    self->worker_.engine().clients().remove(*self->session_.info);
    self->stream_.reset();
  });
}

void MasterStream::end(Ending ending, std::string why) {
  if (ended_) return;
  ended_ = true;
  worker_.loop().cancel(ackTimer_);
  worker_.engine().clients().remove(*session_.info);
  stream_.reset();
  owner_.streamEnded(attempt_, ending, std::move(why));
}

void MasterStream::onReadable() {
  auto self = shared_from_this();
  for (int i = 0; i < 4; ++i) {
    size_t before = input_.size();
    size_t want = std::max<uint64_t>(kReadBytes, std::min<uint64_t>(parser_.missing(), kMaxRead));
    IoResult got;
    // Not resize(), which would clear all the room for what most often are a few bytes.
    input_.resize_and_overwrite(before + want, [&](char* bytes, size_t) {
      got = stream_->read({bytes + before, want});
      return before + (got.done() ? got.bytes : 0);
    });
    if (got.wouldBlock()) break;
    if (got.broken()) {
      if (planted(PlantedBug::kDropLastUnit)) worker_.engine().log().appendStream(input_, {});
      return end(Ending::kBroken, "connection lost");
    }
    lastIo_.store(worker_.loop().now(), std::memory_order_relaxed);
    session_.info->lastInteraction.store(worker_.loop().now(), std::memory_order_relaxed);
    received_.fetch_add(static_cast<oplog::Offset>(got.bytes), std::memory_order_relaxed);
    worker_.engine().state().replicationInput.fetch_add(static_cast<int64_t>(got.bytes), std::memory_order_relaxed);
    if (got.bytes < want) break;
  }
  if (!scheduled_ && !input_.empty() && (!partial_ || headIsWhole())) schedule();
  if (scheduled_ && input_.size() > kMaxUnread) stream_->wantRead(false);
}

void MasterStream::schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  worker_.withWorld([self = shared_from_this()] {
    self->scheduled_ = false;
    self->applyBatch();
  });
}

void MasterStream::applyBatch() {
  if (ended_ || !owner_.isLive(attempt_)) return;
  auto& log = worker_.engine().log();
  std::vector<uint32_t> unitStarts;
  size_t applied = applyUnits(unitStarts);
  if (applied != 0) {
    log.appendStream(std::string_view(input_).substr(0, applied), unitStarts);
    log.setSelectedDb(session_.db);
    input_.erase(0, applied);
    worker_.loop().post([&log] { log.pump(); });
  }
  session_.out.clear();
  lastIo_.store(worker_.engine().system().clock.mono());  // meanwhile it was us who did not listen
  stream_->wantRead(true);
  if (ackAsked_) {
    ackAsked_ = false;
    sendAck();
  }
  if (!refused_.empty()) end(malformed_ ? Ending::kMalformed : Ending::kRefused, refused_);
}

size_t MasterStream::applyUnits(std::vector<uint32_t>& unitStarts) {
  size_t at = 0;
  parser_ = wire::RequestParser();
  partial_ = false;
  while (at < input_.size()) {
    size_t next = at;
    if (planted(PlantedBug::kApplyOutOfOrder) && at == 0) applySecondFirst();
    if (planted(PlantedBug::kApplyTwice) && !std::exchange(applied_, true)) applyUnit(at, next);
    if (!applyUnit(at, next)) break;
    unitStarts.push_back(static_cast<uint32_t>(at));
    at = next;
  }
  batch_->run(worker_);
  partial_ = at < input_.size();
  return at;
}

// A planted bug: the first two units of the batch change places.
void MasterStream::applySecondFirst() {
  if (!parseAt(0) || command_.args.empty() || equalsIgnoreCase(command_.args[0], "multi")) return;
  const size_t first = command_.bytes;
  if (!parseAt(first) || command_.args.empty() || equalsIgnoreCase(command_.args[0], "multi")) return;
  std::rotate(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(first),
              input_.begin() + static_cast<ptrdiff_t>(first + command_.bytes));
}

bool MasterStream::parseAt(size_t at) {
  using Outcome = wire::RequestParser::Outcome;
  Outcome outcome = parser_.parse(std::string_view(input_).substr(at), trusted(), command_);
  if (outcome == Outcome::kNeedMore) return false;
  if (outcome == Outcome::kProtocolError || (command_.isInline && !command_.args.empty())) {
    malformed_ = true;
    return refuse("Protocol error in the stream from MASTER at offset " +
                  std::to_string(worker_.engine().log().end() + static_cast<oplog::Offset>(at)) +
                  ": closing the connection. " + parser_.error());
  }
  return true;
}

// Looks on through what has come of the unit that was not whole, from where the last look ended. True also if it is
// going to be refused.
bool MasterStream::headIsWhole() {
  if (!scannedTransaction_) {
    if (!parseAt(0)) return !refused_.empty();
    scannedTransaction_ = !command_.args.empty() && equalsIgnoreCase(command_.args[0], "multi");
    if (!scannedTransaction_) return true;
    scanned_ = command_.bytes;
  }
  return scanToExec(scanned_) || !refused_.empty();
}

// `at`: the next command of a transaction; it ends up behind EXEC, or at what has not come yet or is refused (false).
bool MasterStream::scanToExec(size_t& at) {
  for (bool whole = false; !whole;) {
    if (!parseAt(at)) return false;
    whole = !command_.args.empty() && equalsIgnoreCase(command_.args[0], "exec");
    if (!whole && !command_.args.empty() && !check(find(command_.args), command_.args)) return false;
    at += command_.bytes;
  }
  return true;
}

// One command, or MULTI … EXEC if all of it is there. False: not whole yet, or refused; nothing of it has run then.
bool MasterStream::applyUnit(size_t begin, size_t& end) {
  scannedTransaction_ = false;
  if (!parseAt(begin)) return false;
  end = begin + command_.bytes;
  if (command_.args.empty()) return true;
  const bool transaction = equalsIgnoreCase(command_.args[0], "multi");
  if (!transaction) {
    const command::CommandEntry* entry = find(command_.args);
    if (!check(entry, command_.args)) return false;
    run(entry, command_.args);
    return true;
  }
  size_t last = end;
  if (!scanToExec(last)) {
    scannedTransaction_ = true;
    scanned_ = last - begin;
    return false;
  }
  batch_->run(worker_);
  worker_.beginTrusted();
  constexpr std::string_view kMulti[] = {"MULTI"};
  worker_.execution().show(session_, kMulti);
  while (parseAt(end)) {
    end += command_.bytes;
    if (end == last) break;
    if (!command_.args.empty()) runAlone(find(command_.args), command_.args);
  }
  worker_.execution().show(session_, command_.args);
  worker_.endTrusted();
  return true;
}

const command::CommandEntry* MasterStream::find(command::Args args) {
  if (args[0] != lastName_) {
    lastName_ = args[0];
    lastEntry_ = worker_.engine().commands().findLogged(args[0]);
  }
  if (lastEntry_ && !lastEntry_->spec->subcommands.empty() && args.size() > 1) {
    if (const auto* sub = lastEntry_->subcommand(args[1])) return sub;
  }
  return lastEntry_;
}

bool MasterStream::check(const command::CommandEntry* entry, command::Args args) {
  if (!entry || !entry->spec->handler) {
    if (isHarmless(args[0])) return true;
    return refuse("The master sent the command '" + std::string(args[0].substr(0, 64)) + "'" +
                  (args.size() > 1 ? " for the key '" + std::string(args[1].substr(0, 128)) + "'" : "") +
                  ", whose type is not supported by this server. The link is closed, the data so far is kept.");
  }
  if (args.size() == 2 && entry->fullName == "select") {
    const auto db = parseInt64(args[1]);
    const size_t databases = worker_.engine().keyspace().databaseCount();
    if (!db || *db < 0 || static_cast<size_t>(*db) >= databases) {
      return refuse("The master selected the database " + std::string(args[1].substr(0, 32)) + ", and there are only " +
                    std::to_string(databases) + " here (databases). The link is closed, the data so far is kept.");
    }
  }
  if (!entry->takes(args.size())) {
    return refuse("The master sent '" + std::string(args[0].substr(0, 64)) + "' with " + std::to_string(args.size() - 1) +
                  " arguments, which is a wrong number: closing the connection.");
  }
  return true;
}

// A checked command of its own.
void MasterStream::run(const command::CommandEntry* entry, command::Args args) {
  const bool writes = entry != nullptr && (entry->spec->flags & command::kWrite) != 0;
  if (writes && entry->takesOneKey(args.size()) && batch_->possible()) return batch_->add(*entry, args, session_.db);
  // What does not write (SELECT, PING, REPLCONF) has no place among the others that anybody could see, but for PUBLISH and notes.
  constexpr uint64_t kSeen = command::kWrite | command::kMayReplicate;
  const bool seen = entry != nullptr && ((entry->spec->flags & kSeen) != 0 || equalsIgnoreCase(args[0], "echo"));
  if (seen) batch_->run(worker_);
  worker_.beginTrusted();
  runAlone(entry, args);
  worker_.endTrusted();
}

void MasterStream::runAlone(const command::CommandEntry* entry, command::Args args) {
  const auto note = command::noteWords(args);
  if (!note.empty()) [[unlikely]] {
    args = note;
    entry = find(args);
  }
  if (equalsIgnoreCase(args[0], "replconf")) {
    if (args.size() > 1 && equalsIgnoreCase(args[1], "getack")) ackAsked_ = true;
    return;
  }
  // What neither writes nor selects changes nothing here.
  if (!entry || ((entry->spec->flags & (command::kWrite | command::kMayReplicate)) == 0 &&
                 !equalsIgnoreCase(args[0], "select"))) {
    return;
  }
  const uint32_t errors = session_.reply.errors();
  worker_.runTrusted(session_, *entry, args);
  if (session_.reply.errors() != errors) [[unlikely]] {
    worker_.stats().unexpectedErrors.add();
    failed(*entry, session_.reply.lastError());
  }
  if (session_.out.pending() > kMaxReplies) session_.out.clear();
}

// Any worker.
void MasterStream::failed(const command::CommandEntry& entry, const std::string& error) const {
  Logger& logger = worker_.engine().logger();
  logger.warning("== CRITICAL == This replica is sending an error to its master: '-" + error + "' after processing the command '" +
                 entry.fullName + "'");
  if (!owner_.endsOnPropagationError()) return;
  logger.warning(
      "The data of this replica differs from its master's, and propagation-error-behavior says that it ends then. "
      "Start it again with an empty data set to get the master's.");
  std::abort();
}

bool MasterStream::refuse(std::string why) {
  refused_ = std::move(why);
  return false;
}

void MasterStream::ackLater() {
  ackTimer_ = worker_.loop().after(kAckPeriod, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self || self->ended_) return;
    self->sendAck();
    self->ackLater();
  });
}

void MasterStream::sendAck() {
  std::string text;
  const std::string end = std::to_string(worker_.engine().log().end());
  if (oplog::Offset durable = owner_.durable(); durable >= 0) {
    if (planted(replication::kFackNotSynced)) durable = worker_.engine().log().end();
    wire::encodeCommand({"REPLCONF", "ACK", end, "FACK", std::to_string(durable)}, text);
  } else {
    wire::encodeCommand({"REPLCONF", "ACK", end}, text);
  }
  // Some forty bytes into an idle direction: what does not fit is not missed, the next one says more. But never half.
  if (stream_) stream_->write(text);
}

}  // namespace vigil::drivers
