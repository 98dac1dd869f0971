#include "engine/trusted_batch.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/simulation.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

constexpr size_t kLanesPerWorker = 4;  // so that those who are done first have something left to take
// Fewer commands are done before another worker has woken up. The simulator's workers share one thread: they are not asked.
constexpr size_t kWorthWaking = kSimulated ? SIZE_MAX : 256;
constexpr size_t kBucketAhead = 16, kEntryAhead = 8;  // commands
constexpr size_t kMaxReplies = 1 << 20;               // nobody reads them

}  // namespace

TrustedBatch::TrustedBatch(Engine& engine, std::shared_ptr<ClientInfo> master, Failed failed)
    : engine_(engine),
      failed_(std::move(failed)),
      // One lane keeps the order of the stream. In the simulator there are always several, for the sake of what that could break.
      lanes_(engine.workerCount() == 1 && !kSimulated
                 ? 1
                 : std::min(std::bit_ceil(engine.workerCount() * kLanesPerWorker), engine.keyspace().shardCount())),
      begun_(lanes_.size()) {
  for (Lane& lane : lanes_) {
    lane.session.fromMaster = true;
    lane.session.info = master;
    lane.session.id = master->id;
  }
}

bool TrustedBatch::possible() const {
  return engine_.options().audience.load() == 0 && engine_.blockedCounter().load(std::memory_order_relaxed) == 0;
}

void TrustedBatch::add(const command::CommandEntry& entry, command::Args args, int db) {
  const keyspace::Keyspace& keyspace = engine_.keyspace();
  const uint64_t hash = keyspace.hashOf(args[entry.firstKey]);
  lanes_[keyspace.shardNumberOf(hash) & (lanes_.size() - 1)].commands.push_back(
      {&entry, hash, static_cast<uint32_t>(words_.size()), static_cast<uint32_t>(args.size()), db});
  words_.insert(words_.end(), args.begin(), args.end());
  ++size_;
}

void TrustedBatch::run(Worker& worker) {
  if (size_ == 0) return;
  if (size_ < kWorthWaking || lanes_.size() == 1) {
    for (Lane& lane : lanes_) runLane(lane, worker);
  } else {
    done_.store(0, std::memory_order_relaxed);
    begun_.store(0, std::memory_order_release);
    for (size_t i = 0; i < engine_.workerCount(); ++i) {
      Worker& other = engine_.worker(i);
      if (&other != &worker) other.loop().post([self = shared_from_this(), &other] { self->help(other); });
    }
    help(worker);
    for (size_t done = 0; (done = done_.load(std::memory_order_acquire)) != lanes_.size();) done_.wait(done);
  }
  words_.clear();
  size_ = 0;
}

// Who comes late, even when the next commands are being gathered, finds nothing that has not begun.
void TrustedBatch::help(Worker& worker) {
  for (size_t at = 0; (at = begun_.fetch_add(1, std::memory_order_acq_rel)) < lanes_.size();) {
    runLane(lanes_[at], worker);
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == lanes_.size()) done_.notify_one();
  }
}

void TrustedBatch::runLane(Lane& lane, Worker& worker) {
  if (lane.commands.empty()) return;
  const keyspace::Keyspace& keyspace = engine_.keyspace();
  const auto& commands = lane.commands;
  Session& session = lane.session;
  worker.beginShare();
  for (size_t i = 0; i < commands.size(); ++i) {
    // Only this lane's shards are looked at, which nobody else changes meanwhile.
    if (i + kBucketAhead < commands.size()) {
      keyspace.prefetchBucket(commands[i + kBucketAhead].db, commands[i + kBucketAhead].hash);
    }
    if (i + kEntryAhead < commands.size()) {
      keyspace.prefetchEntry(commands[i + kEntryAhead].db, commands[i + kEntryAhead].hash);
    }
    const Command& command = commands[i];
    session.db = command.db;
    const uint32_t errors = session.reply.errors();
    worker.runOfShare(session, *command.entry, wordsOf(command), command.hash);
    if (session.reply.errors() != errors) [[unlikely]] {
      worker.stats().unexpectedErrors.add();
      failed_(*command.entry, session.reply.lastError());
    }
    if (session.out.pending() > kMaxReplies) session.out.clear();
  }
  worker.endShare();
  session.out.clear();
  lane.commands.clear();
}

}  // namespace vigil::engine
