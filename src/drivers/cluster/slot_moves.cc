#include "drivers/cluster/slot_moves.h"

#include <utility>
#include <vector>

#include "command/log_note.h"
#include "engine/connection.h"
#include "engine/worker.h"
#include "wire/resp_writer.h"

namespace vigil::drivers {

namespace {

constexpr MonoUs kPoll = 1'000;
constexpr MonoUs kAskPatience = 2'000'000;

// CLUSTER SYNCSLOTS and these words, then the ranges.
std::vector<std::string> withRanges(std::vector<std::string> words, const SlotSet& slots) {
  words.insert(words.begin(), {"CLUSTER", "SYNCSLOTS"});
  for (const SlotRange& range : slots.ranges()) {
    words.push_back(std::to_string(range.first) + "-" + std::to_string(range.last));
  }
  return words;
}

std::string syncSlots(std::vector<std::string> words, const SlotSet& slots) {
  words = withRanges(std::move(words), slots);
  const std::vector<std::string_view> views(words.begin(), words.end());
  std::string text;
  wire::encodeCommand(views, text);
  return text;
}

}  // namespace

SlotMoves::SlotMoves(engine::Engine& engine, ReplicationOptions& options, Replication& replication, RdbDriver& rdb, Host host)
    : engine_(engine),
      options_(options),
      replication_(replication),
      rdb_(rdb),
      host_(std::move(host)),
      executor_(engine.system().tasks.makeSerial("vigil-slots", Urgency::kPrompt)),
      sweeper_(std::make_shared<SlotSweeper>(engine, host_.inWorld)) {}

void SlotMoves::stop() {
  for (auto& [job, exported] : exports_) exported->stop();
  questions_.clear();
  executor_->finish();
  exports_.clear();
}

void SlotMoves::carryOut(const Order& order) {
  using Kind = Order::Kind;
  const auto found = exports_.find(order.job);
  switch (order.kind) {
    case Kind::kOpen:
      return open(order);
    case Kind::kCopy:
      if (found != exports_.end()) found->second->copy();
      return;
    case Kind::kHold:
      return hold(order);
    case Kind::kClaim:
      if (found != exports_.end()) found->second->claim(order.epoch);
      return;
    case Kind::kAsk:
      return ask(order);
    case Kind::kClose:
      waits_.erase(order.job);
      if (found == exports_.end()) return closeSession(order.job, [] {});
      found->second->close();
      exports_.erase(found);
      return;
    case Kind::kPrepare:
      return prepare(order);
    case Kind::kAnnounce:
      return host_.inWorld([this, job = order.job] {
        host_.route();
        host_.tell({.kind = News::Kind::kServing, .job = job});
      });
    case Kind::kDiscard:
      return discard(order);
    case Kind::kSweep:
      return host_.inWorld([this, job = order.job, slots = order.slots] {
        if (engine_.state().replica.load()) return;
        sweeper_->begin(slots, [this, job] { host_.tell({.kind = News::Kind::kSwept, .job = job}); });
      });
    case Kind::kRecord:
      return record(order);
    case Kind::kAwait:
      return awaitReplicas(order.job, {static_cast<oplog::Offset>(order.offset), order.replicas, News::Kind::kAcknowledged});
  }
}

// --- The other node ---

ConnectOptions SlotMoves::connectOptions() const {
  ConnectOptions how = engine_.options().outgoing.connect();
  how.tls = options_.tls.load();
  return how;
}

std::string SlotMoves::authentication(size_t& answers) const {
  std::string text;
  const std::string password = options_.masterPassword.load();
  const std::string user = options_.masterUser.load();
  if (password.empty()) return text;
  ++answers;
  user.empty() ? wire::encodeCommand({"AUTH", password}, text) : wire::encodeCommand({"AUTH", user, password}, text);
  return text;
}

void SlotMoves::open(const Order& order) {
  auto exported = std::make_shared<SlotExport>(
      SlotExport::Place{engine_, replication_, rdb_, *executor_, host_.tell}, order.job, order.slots);
  exports_[order.job] = exported;
  size_t answers = 1;
  std::string hello = authentication(answers);
  hello += syncSlots({"BEGIN", order.job, order.peer}, order.slots);
  exported->open(engine_.system().network.connect({order.address, order.port}, connectOptions()), std::move(hello), answers);
}

void SlotMoves::ask(const Order& order) {
  auto job = std::make_shared<TransferJob>();
  size_t answers = 0;
  job->timeoutUs = kAskPatience;
  job->authentication = authentication(answers);
  job->restores = syncSlots({"OUTCOME", order.job, std::to_string(order.epoch)}, order.slots);
  job->keys = 1;
  Peer peer{.stream = engine_.system().network.connect({order.address, order.port}, connectOptions()), .db = job->db};
  auto& place = questions_.emplace_back();
  auto* const where = &place;
  place = std::make_unique<Transfer>(engine_.control(), std::move(peer), *job,
                                     [this, job, where, name = order.job](const Transfer::Outcome& outcome) {
                                       engine_.control().post([this, job, where, name, end = outcome.end] {
                                         asked(name, where->get(), *job, end);
                                       });
                                     });
}

void SlotMoves::asked(const std::string& job, Transfer* transfer, const TransferJob& result, Transfer::End end) {
  std::erase_if(questions_, [transfer](const auto& each) { return each.get() == transfer; });
  // Anything but the word itself may mean something else: then it is asked again.
  if (result.targetError && result.targetError->starts_with("DROPPED ")) {
    host_.tell({.kind = News::Kind::kDropped, .job = job});
  } else if (end == Transfer::End::kDone && !result.targetError) {
    host_.tell({.kind = News::Kind::kPending, .job = job});
  }
}

// --- Records ---

// World held. `urgent`: replicas are to acknowledge it at once.
oplog::Offset SlotMoves::append(const Record& record, bool urgent) {
  oplog::Log& log = engine_.log();
  const auto words = withRanges({std::string(cluster::recordName(record.kind)), record.job, record.peer}, record.slots);
  const std::string text = command::noteText(words);
  const std::string_view note[] = {"ECHO", text};
  const oplog::Offset end = log.append(-1, note);
  if (urgent && log.replicating()) {
    constexpr std::string_view kAsk[] = {"REPLCONF", "GETACK", "*"};
    log.append(-1, kAsk);
  }
  engine_.control().post([&log] { log.pump(); });
  return end;
}

void SlotMoves::apply(const Record& record) {
  auto& hidden = engine_.keyspace().hiddenSlots();
  switch (record.kind) {
    case Record::Kind::kStage:
      staged_[record.job] = {engine_.keyspace().wholesale(), replication_.master().snapshotsBegun()};
      hidden.add(record.slots);
      break;
    case Record::Kind::kCommit:
    case Record::Kind::kDiscard:
      if (staged_.erase(record.job) != 0) hidden.remove(record.slots);
      break;
    default:
      break;
  }
}

std::string SlotMoves::whyBroken(const std::string& job, const SlotSet& slots) const {
  const auto at = staged_.find(job);
  if (at == staged_.end()) return "the copies are not here";
  if (at->second.wholesale != engine_.keyspace().wholesale()) return "FLUSHALL or a reload took the copies away";
  if (at->second.snapshots != replication_.master().snapshotsBegun()) return "a replica came with a full resync, without the copies";
  std::string why;
  slots.forEach([&](uint16_t slot) {
    if (!engine_.keyspace().hiddenSlots().test(slot)) why = "slot " + std::to_string(slot) + " is not hidden any more";
  });
  return why;
}

void SlotMoves::record(const Order& order) {
  host_.inWorld([this, record = Record{order.record, order.job, order.peer, order.slots}] {
    if (engine_.state().replica.load()) return;
    const bool commits = record.kind == Record::Kind::kCommit;
    const bool first = staged_.contains(record.job);
    if (commits && first) {
      if (std::string why = whyBroken(record.job, record.slots); !why.empty()) {
        return host_.tell({.kind = News::Kind::kBroken, .job = record.job, .text = std::move(why)});
      }
    }
    apply(record);
    const oplog::Offset end = append(record, commits);
    if (commits) host_.tell({.kind = News::Kind::kRecorded, .job = record.job, .offset = static_cast<uint64_t>(end)});
  });
}

void SlotMoves::hold(const Order& order) {
  host_.inWorld([this, record = Record{Record::Kind::kHandOff, order.job, order.peer, order.slots}] {
    if (engine_.state().replica.load()) return;
    host_.route();
    const oplog::Offset end = append(record, true);
    host_.tell({.kind = News::Kind::kHeld, .job = record.job, .offset = static_cast<uint64_t>(end)});
  });
}

// --- Replicas ---

void SlotMoves::prepare(const Order& order) {
  host_.inWorld([this, job = order.job, replicas = order.replicas] {
    oplog::Log& log = engine_.log();
    const oplog::Offset end = log.end();
    if (log.replicating() && !engine_.state().replica.load()) {
      constexpr std::string_view kAsk[] = {"REPLCONF", "GETACK", "*"};
      log.append(-1, kAsk);
    }
    engine_.control().post([this, job, end, replicas] {
      engine_.log().pump();
      awaitReplicas(job, {end, replicas, News::Kind::kPrepared});
    });
  });
}

void SlotMoves::awaitReplicas(const std::string& job, Wait wait) {
  waits_[job] = wait;
  if (timer_ == 0) poll();
}

void SlotMoves::poll() {
  timer_ = 0;
  for (auto at = waits_.begin(); at != waits_.end();) {
    const Wait& wait = at->second;
    if (wait.replicas != 0 && replication_.master().countAcked(wait.offset) < wait.replicas) {
      ++at;
      continue;
    }
    host_.tell({.kind = wait.news, .job = at->first});
    at = waits_.erase(at);
  }
  if (!waits_.empty()) timer_ = engine_.control().after(kPoll, [this] { poll(); });
}

// --- Imports ---

void SlotMoves::bindSession(const std::string& job, engine::Worker& worker, uint64_t session) {
  MutexLock guard(mutex_);
  imports_[job] = {&worker, session};
}

// `then` is called on the control thread, when nothing more can come of it.
void SlotMoves::closeSession(const std::string& job, Task then) {
  Import import{};
  {
    MutexLock guard(mutex_);
    const auto at = imports_.find(job);
    if (at != imports_.end()) {
      import = at->second;
      imports_.erase(at);
    }
  }
  if (import.worker == nullptr) return then();
  import.worker->loop().post([this, import, then = std::move(then)]() mutable {
    engine::Connection* connection = import.worker->findConnection(import.session);
    // One that is to be closed when its reply is sent tells the source why, and takes nothing more.
    if (connection != nullptr && !connection->session().closeAfterReply) connection->close("the import of slots has ended");
    engine_.control().post(std::move(then));
  });
}

void SlotMoves::discard(const Order& order) {
  waits_.erase(order.job);
  closeSession(order.job, [this, record = Record{Record::Kind::kDiscard, order.job, "-", order.slots}] {
    host_.inWorld([this, record] {
      if (engine_.state().replica.load()) return;
      // Only what is hidden is a copy.
      SlotSet slots;
      const SlotSet hidden = engine_.keyspace().hiddenSlots().copy();
      record.slots.forEach([&](uint16_t slot) {
        if (hidden.test(slot)) slots.set(slot);
      });
      sweeper_->begin(slots, [this, record] {
        apply(record);
        append(record, false);
      });
    });
  });
}

}  // namespace vigil::drivers
