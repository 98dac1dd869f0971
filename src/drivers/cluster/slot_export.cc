#include "drivers/cluster/slot_export.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/crc16.h"
#include "persistence/resp_base_target.h"
#include "wire/resp_writer.h"

namespace vigil::drivers {

namespace {

constexpr size_t kInMemory = 8 << 20;  // of what the target has not taken
constexpr size_t kWalkOn = kInMemory / 4;  // beyond that the snapshot rests
constexpr MonoUs kPatience = 200'000;      // with a target that takes nothing, before it goes on to disk
constexpr MonoUs kBeat = 1'000'000;
constexpr int kSilentBeats = 10;
constexpr size_t kPiece = 256 * 1024;
constexpr size_t kReadBytes = 16 * 1024;
constexpr int kPiecesPerFlush = 64;
constexpr int kSinkRank = 2;  // behind the replicas
constexpr oplog::Offset kEverything = std::numeric_limits<oplog::Offset>::max();

// Of a snapshot, the entries of some slots.
class SlotFilter final : public keyspace::SnapshotSink {
 public:
  SlotFilter(const SlotSet& slots, std::shared_ptr<persistence::RdbSave> save, std::shared_ptr<SlotExport> to)
      : slots_(slots), save_(std::move(save)), to_(std::move(to)) {}
  void take(size_t shard, int db, const keyspace::Entry& entry) override {
    if (slots_.test(keySlot(entry.key()))) save_->take(shard, db, entry);
  }
  void shardDone(size_t shard) override { save_->shardDone(shard); }
  bool ready() const override { return to_->roomy() && save_->ready(); }

 private:
  const SlotSet slots_;
  const std::shared_ptr<persistence::RdbSave> save_;
  const std::shared_ptr<SlotExport> to_;
};

class ExportTarget final : public persistence::RdbTarget {
 public:
  explicit ExportTarget(std::shared_ptr<SlotExport> to) : to_(std::move(to)) {}
  Status append(std::string_view bytes) override { return to_->send(bytes); }
  Status finish() override { return {}; }
  void abandon() override {}

 private:
  const std::shared_ptr<SlotExport> to_;
};

}  // namespace

SlotExport::SlotExport(Place place, std::string job, const SlotSet& slots)
    : place_(std::move(place)), job_(std::move(job)), slots_(slots), tail_(place_.engine.commands(), slots, job_) {}

// --- The connection ---

void SlotExport::open(std::unique_ptr<Stream> stream, std::string hello, size_t answers) {
  stream_ = std::move(stream);
  hellos_ = answers;
  {
    MutexLock guard(mutex_);
    waiting_ = hello.size();
    output_.push_back(std::move(hello));
    asked_.insert(asked_.end(), answers, Awaited::kHello);
  }
  stream_->attach(place_.engine.control(), *this);
  stream_->wantWrite(true);
}

void SlotExport::close() {
  if (closed_.exchange(true)) return;
  if (sinkAdded_) place_.engine.log().removeSink(this);
  if (stream_) stream_->detach();
  // It may be the stream that called.
  place_.engine.control().post([stream = std::shared_ptr<Stream>(std::move(stream_))] {});
  std::shared_ptr<RunningSnapshot> snapshot;
  std::shared_ptr<persistence::RdbSave> save;
  {
    MutexLock guard(mutex_);
    output_.clear();
    snapshot = std::move(snapshot_);
    save = std::move(save_);
  }
  if (snapshot) snapshot->cancel([save] { save->cancel("the migration has ended"); });
  place_.executor.submit([self = shared_from_this()] {
    self->cursor_ = {};
    self->spill_.reset();
  });
}

void SlotExport::stop() {
  if (closed_.exchange(true)) return;
  if (sinkAdded_) place_.engine.log().removeSink(this);
  stream_.reset();
  MutexLock guard(mutex_);
  if (snapshot_) snapshot_->cancelHere();
  snapshot_.reset();
  save_.reset();
}

void SlotExport::lose(std::string why) {
  if (closed_.load()) return;
  place_.tell({.kind = News::Kind::kLost, .job = job_, .text = std::move(why)});
}

void SlotExport::onWritable() {
  if (!stream_) return;
  if (!connected_) {
    const int error = stream_->connectError();
    if (error == EINPROGRESS) return;
    if (error != 0) {
      stream_->wantWrite(false);
      return lose("the target cannot be reached: " + stream_->connectErrorText());
    }
    connected_ = true;
    stream_->setNoDelay(true);
  }
  flush();
}

void SlotExport::onReadable() {
  auto self = shared_from_this();
  if (!connected_) return onWritable();
  const size_t before = input_.size();
  input_.resize(before + kReadBytes);
  const IoResult got = stream_->read({input_.data() + before, kReadBytes});
  input_.resize(before + (got.done() ? got.bytes : 0));
  if (got.broken()) {
    stream_->wantRead(false);
    return lose("the connection to the target was lost");
  }
  if (got.done() && !takeReplies()) stream_->wantRead(false);
}

bool SlotExport::takeReplies() {
  std::string_view unread = input_;
  for (;;) {
    size_t consumed = 0;
    const auto outcome = parser_.feed(unread, consumed);
    unread.remove_prefix(consumed);
    if (outcome == wire::ReplyParser::Outcome::kNeedMore) break;
    if (outcome == wire::ReplyParser::Outcome::kProtocolError) {
      lose("the target does not speak RESP");
      return false;
    }
    if (!onReply(parser_.value())) return false;
    if (closed_.load()) return true;
  }
  input_.erase(0, input_.size() - unread.size());
  return true;
}

// False: nothing more is to be heard.
bool SlotExport::onReply(const wire::RespValue& reply) {
  heard_ = true;
  Awaited what = Awaited::kMark;
  {
    MutexLock guard(mutex_);
    if (!asked_.empty()) what = asked_.front();
    // Commands are answered only where they failed.
    if (!asked_.empty() && !(reply.isError() && what == Awaited::kMark)) asked_.pop_front();
  }
  if (reply.isError()) {
    const auto kind = what == Awaited::kClaim ? News::Kind::kRefused : News::Kind::kLost;
    place_.tell({.kind = kind, .job = job_, .text = "the target answered: " + reply.text});
    return false;
  }
  if (what == Awaited::kHello) {
    if (--hellos_ == 0) place_.tell({.kind = News::Kind::kAccepted, .job = job_});
  } else if (what == Awaited::kMark) {
    place_.tell({.kind = News::Kind::kApplied, .job = job_, .offset = static_cast<uint64_t>(reply.integer)});
    markOut_.store(false);
    pump();
  }
  return true;
}

void SlotExport::flushLater() {
  if (flushPosted_.exchange(true)) return;
  place_.engine.control().post([self = shared_from_this()] {
    self->flushPosted_.store(false);
    self->flush();
  });
}

void SlotExport::flush() {
  if (!stream_ || !connected_ || closed_.load()) return;
  bool empty = false;
  for (int i = 0; i < kPiecesPerFlush && !empty; ++i) {
    MutexLock guard(mutex_);
    empty = output_.empty();
    if (empty) break;
    const std::string_view rest = std::string_view(output_.front()).substr(sent_);
    const IoResult sent = stream_->write(rest);
    if (sent.broken()) return stream_->wantWrite(false);  // reading tells
    if (!sent.done()) break;
    takes_ = heard_ = true;
    sent_ += sent.bytes;
    if (sent_ < output_.front().size()) continue;
    waiting_ -= output_.front().size();
    queued_.store(waiting_);
    output_.pop_front();
    sent_ = 0;
  }
  sent();
  stream_->wantWrite(!empty);
  if (empty && spilling_.load()) place_.executor.submit([self = shared_from_this()] { self->refill(); });
}

bool SlotExport::roomy() const {
  if (queued_.load() <= kWalkOn || !patient_.load()) return true;
  resting_.store(true);
  return queued_.load() <= kWalkOn;  // else sent() sees resting_
}

void SlotExport::sent() {
  if (queued_.load() <= kWalkOn / 2 && resting_.exchange(false)) place_.engine.wakeWorkers();
}

// While the snapshot is under way.
void SlotExport::watchTarget() {
  place_.engine.control().after(kPatience, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->closed_.load() || self->sinkAdded_) return;
    if (std::exchange(self->takes_, false) || !self->resting_.load()) return self->watchTarget();
    self->patient_.store(false);
    self->place_.engine.wakeWorkers();
  });
}

// Counted in beats, not by the clock: that of a process that was stopped has moved on, and the target said nothing meanwhile.
void SlotExport::beat() {
  place_.engine.control().after(kBeat, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->closed_.load()) return;
    self->silentBeats_ = std::exchange(self->heard_, false) ? 0 : self->silentBeats_ + 1;
    if (self->silentBeats_ == kSilentBeats) {
      return self->lose("the target has neither taken nor answered anything for " + std::to_string(kSilentBeats) + " seconds");
    }
    self->place_.executor.submit([self] { self->keepAlive(); });
    self->beat();
  });
}

// --- What goes out; on the executor ---

Status SlotExport::send(std::string_view bytes) {
  if (closed_.load()) return fail("the migration has ended");
  if (bytes.empty()) return {};
  bool spill = spilling_.load();
  if (!spill) {
    MutexLock guard(mutex_);
    spill = waiting_ + bytes.size() > kInMemory && !output_.empty();
    if (!spill) {
      output_.emplace_back(bytes);
      waiting_ += bytes.size();
      queued_.store(waiting_);
    }
  }
  if (spill) {
    if (!spill_) spill_ = std::make_unique<oplog::Spill>(place_.engine.system().files, "temp-slots-" + job_ + "-", UINT64_MAX);
    if (auto written = spill_->append(spilledTo_, bytes); !written) return written;
    spilledTo_ += static_cast<int64_t>(bytes.size());
    spilling_.store(true);
  }
  flushLater();
  return {};
}

void SlotExport::refill() {
  if (closed_.load() || !spilling_.load()) return;
  for (size_t room = kInMemory / 2; room >= kPiece && spillRead_ < spilledTo_; room -= kPiece) {
    std::string bytes(std::min<size_t>(kPiece, static_cast<size_t>(spilledTo_ - spillRead_)), '\0');
    const auto got = spill_->read(spillRead_, bytes);
    if (!got || *got == 0) return lose("what waits for the target cannot be read from disk");
    bytes.resize(*got);
    spillRead_ += static_cast<int64_t>(*got);
    spill_->dropBelow(spillRead_);
    MutexLock guard(mutex_);
    waiting_ += bytes.size();
    queued_.store(waiting_);
    output_.push_back(std::move(bytes));
  }
  if (spillRead_ == spilledTo_) spilling_.store(false);
  flushLater();
}

void SlotExport::copy() {
  watchTarget();
  beat();
  place_.engine.withWorld([self = shared_from_this()] { self->beginCopy(); });
}

// With the world held: what the snapshot does not hold, the log will.
void SlotExport::beginCopy() {
  if (closed_.load()) return;
  engine::Engine& engine = place_.engine;
  place_.replication.master().needBacklog();
  auto options = place_.rdb.saveOptions();
  options.write.compress = false;
  options.access.lfu = false;
  auto save = std::make_shared<persistence::RdbSave>(
      place_.executor, std::make_unique<persistence::RespBaseTarget>(std::make_unique<ExportTarget>(shared_from_this())),
      engine.keyspace().shardCount(), options, place_.rdb.flow(),
      [self = shared_from_this()](const Status& status) { self->copied(status); });
  cursor_ = engine.log().cursor(engine.log().end());
  auto snapshot = RunningSnapshot::startHere(
      engine, std::make_shared<SlotFilter>(slots_, save, shared_from_this()),
      [save](const SnapshotMoment&) { save->begin({}); });
  MutexLock guard(mutex_);
  save_ = std::move(save);
  snapshot_ = std::move(snapshot);
}

void SlotExport::copied(const Status& status) {
  if (!status) return lose("the snapshot failed: " + status.error().message);
  if (!cursor_.valid()) return lose("the log does not go back to the snapshot");
  place_.engine.control().post([self = shared_from_this()] {
    {
      MutexLock guard(self->mutex_);
      self->snapshot_.reset();
      self->save_.reset();
    }
    if (self->closed_.load()) return;
    self->sinkAdded_ = true;
    self->place_.engine.log().addSink(self.get(), kSinkRank);
    self->pump();
  });
}

void SlotExport::pump() {
  if (closed_.load() || drainPosted_.exchange(true)) return;
  place_.executor.submit([self = shared_from_this()] {
    self->drainPosted_.store(false);
    self->drain();
  });
}

void SlotExport::drain() {
  using State = oplog::Cursor::State;
  if (closed_.load() || failed_ || !cursor_.valid()) return;
  auto refuse = [this](std::string why) {
    failed_ = true;
    if (!closed_.load()) place_.tell({.kind = News::Kind::kBroken, .job = job_, .text = std::move(why)});
  };
  if (!place_.engine.log().active()) return refuse("the log is not kept any more");
  for (;;) {
    const std::string_view piece = cursor_.peek(kEverything);
    if (piece.empty()) {
      const State state = cursor_.state(kEverything);
      if (state == State::kReady) continue;
      if (state == State::kLost) return refuse("the log's tail was lost: the target is too slow");
      if (state == State::kEmpty) break;
      if (!readDisk()) return refuse("the log's tail cannot be read from disk");
      continue;
    }
    std::string out;
    if (auto taken = tail_.take(piece, out); !taken) return refuse(taken.error().message);
    cursor_.advance(piece.size());
    if (auto sent = send(out); !sent) return refuse(sent.error().message);
  }
  mark();
}

bool SlotExport::readDisk() {
  std::string bytes(kPiece, '\0');
  const auto got = place_.engine.log().readSpilled(cursor_.position(), bytes);
  if (!got) return false;
  if (*got == 0) return true;  // it came back to memory, or is lost: the cursor knows
  bytes.resize(*got);
  std::string out;
  if (!tail_.take(bytes, out)) return false;
  cursor_.advance(bytes.size());
  return send(out).has_value();
}

// One at a time, so that it says how far the target is behind.
void SlotExport::mark() {
  if (cursor_.position() <= marked_ || markOut_.exchange(true)) return;
  if (!std::exchange(told_, true)) place_.tell({.kind = News::Kind::kCopied, .job = job_});
  sendMark(marked_ = cursor_.position());
}

void SlotExport::keepAlive() {
  if (!closed_.load() && !failed_ && !markOut_.exchange(true)) sendMark(std::max<oplog::Offset>(marked_, 0));
}

void SlotExport::sendMark(oplog::Offset offset) {
  std::string text;
  wire::encodeCommand({"CLUSTER", "SYNCSLOTS", "MARK", std::to_string(offset)}, text);
  {
    MutexLock guard(mutex_);
    asked_.push_back(Awaited::kMark);
  }
  if (auto sent = send(text); !sent) lose(sent.error().message);
}

void SlotExport::claim(uint64_t epoch) {
  place_.executor.submit([self = shared_from_this(), epoch] {
    std::string text;
    wire::encodeCommand({"CLUSTER", "SYNCSLOTS", "CLAIM", self->job_, std::to_string(epoch)}, text);
    {
      MutexLock guard(self->mutex_);
      self->asked_.push_back(Awaited::kClaim);
    }
    if (auto sent = self->send(text); !sent) self->lose(sent.error().message);
  });
}

}  // namespace vigil::drivers
