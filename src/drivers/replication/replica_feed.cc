#include "drivers/replication/replica_feed.h"

#include <algorithm>

#include "base/text.h"

namespace vigil::drivers {

namespace {

constexpr size_t kBulkInMemory = 1 << 20;
constexpr size_t kPiece = 256 * 1024;
constexpr size_t kMaxInput = 64 * 1024;  // of what a replica says
constexpr int kPiecesPerPump = 64;       // for one replica, before others have their turn

}  // namespace

ReplicaFeed::ReplicaFeed(Owner& owner, const Place& place, uint64_t id, std::unique_ptr<Stream> stream,
                         std::string head)
    : owner_(owner), place_(place), id_(id), stream_(std::move(stream)), head_(std::move(head)) {}

ReplicaFeed::~ReplicaFeed() = default;

void ReplicaFeed::attach() {
  MutexLock guard(mutex_);
  if (!stream_) return;
  stream_->attach(place_.control, *this);
  attached_ = true;
}

void ReplicaFeed::close() {
  MutexLock guard(mutex_);
  broken_ = true;
  stream_.reset();
  cursor_ = {};
}

void ReplicaFeed::keepAlive() {
  MutexLock guard(mutex_);
  if (mode_ != Mode::kWaiting || !stream_ || headSent_ < head_.size()) return;
  stream_->write(std::string_view("\n"));
}

void ReplicaFeed::setCursor(oplog::Cursor cursor, std::string reply) {
  MutexLock guard(mutex_);
  cursor_ = std::move(cursor);
  head_ += reply;
  // At once: a replica that hears nothing until the snapshot is there gives up after its repl-timeout.
  if (mode_ == Mode::kWaiting && stream_ && attached_ && !broken_ && !blocked_) writeHead();
}

void ReplicaFeed::silence() {
  MutexLock guard(mutex_);
  broken_ = true;
}

void ReplicaFeed::stream() {
  MutexLock guard(mutex_);
  mode_ = Mode::kStreaming;
  pumpLocked();
}

bool ReplicaFeed::alive() {
  MutexLock guard(mutex_);
  return !broken_;
}

MonoUs ReplicaFeed::blockedSince() {
  MutexLock guard(mutex_);
  return blockedSince_;
}

ReplicaFeed::Offset ReplicaFeed::position() {
  MutexLock guard(mutex_);
  return cursor_.valid() ? cursor_.position() : 0;
}

bool ReplicaFeed::lost() {
  MutexLock guard(mutex_);
  return cursor_.valid() && cursor_.lost();
}

bool ReplicaFeed::overLimit(const OutputBufferLimit& limit, MonoUs now) {
  size_t held = 0;
  {
    MutexLock guard(mutex_);
    held = head_.size();
    if (cursor_.valid()) {
      const Offset behind = place_.log.end() - cursor_.position();
      const auto beyond = std::max<Offset>(0, behind - static_cast<Offset>(place_.log.backlogSize()));
      held += std::min(static_cast<size_t>(beyond), place_.log.memoryBeyondBacklog());
    }
  }
  if (limit.hardBytes != 0 && held >= limit.hardBytes) return true;
  if (limit.softBytes == 0 || held < limit.softBytes) {
    softSince_ = 0;
    return false;
  }
  if (softSince_ == 0) softSince_ = now;
  return now - softSince_ > limit.softSeconds * 1'000'000;
}

// --- The log ---------------------------------------------------------------------------------------------------

void ReplicaFeed::pump() {
  MutexLock guard(mutex_);
  if (mode_ == Mode::kStreaming) pumpLocked();
}

void ReplicaFeed::pumpLocked() {
  if (broken_ || blocked_ || reading_ || !stream_ || !cursor_.valid() || !writeHead()) return;
  using State = oplog::Cursor::State;
  for (int i = 0; i < kPiecesPerPump; ++i) {
    const Offset limit = owner_.feedLimit();
    std::string_view piece = cursor_.peek(limit);
    if (piece.empty()) {
      State state = cursor_.state(limit);
      if (state == State::kReady) continue;
      if (state == State::kLost) return fail();
      if (state == State::kOnDisk) {
        reading_ = true;
        place_.executor.submit([self = shared_from_this(), at = cursor_.position()] { self->readDisk(at); });
      }
      return;
    }
    IoResult sent = stream_->write(piece);
    if (sent.broken()) return fail();
    if (sent.done()) {
      cursor_.advance(sent.bytes);
      place_.sent.fetch_add(static_cast<int64_t>(sent.bytes), std::memory_order_relaxed);
    }
    if (!sent.done() || sent.bytes < piece.size()) return wait();
  }
  // Others have their turn; the control thread goes on with this one.
  place_.control.post([self = shared_from_this()] { self->pump(); });
}

void ReplicaFeed::readDisk(Offset at) {
  std::string bytes(kPiece, '\0');
  auto got = place_.log.readSpilled(at, bytes);
  MutexLock guard(mutex_);
  reading_ = false;
  if (broken_ || !cursor_.valid()) return;
  // Nothing there any more: it came back to memory, or is lost; the cursor knows.
  if (got && *got != 0) {
    const Offset limit = owner_.feedLimit();
    bytes.resize(static_cast<size_t>(std::min<Offset>(static_cast<Offset>(*got), std::max<Offset>(0, limit - at))));
    head_ = std::move(bytes);
    headSent_ = 0;
    cursor_.advance(head_.size());
  } else if (!got) {
    return fail("The replication log that it has not read yet cannot be read from disk: " + got.error().message);
  }
  pumpLocked();
}

// True if nothing is left of it.
bool ReplicaFeed::writeHead() {
  while (headSent_ < head_.size()) {
    std::string_view rest = std::string_view(head_).substr(headSent_);
    IoResult sent = stream_->write(rest);
    if (sent.broken()) {
      fail();
      return false;
    }
    if (sent.wouldBlock()) {
      wait();
      return false;
    }
    headSent_ += sent.bytes;
    place_.sent.fetch_add(static_cast<int64_t>(sent.bytes), std::memory_order_relaxed);
  }
  head_.clear();
  headSent_ = 0;
  return true;
}

void ReplicaFeed::wait() {
  blocked_ = true;
  blockedSince_ = place_.clock.mono();
  place_.control.post([self = shared_from_this()] {
    MutexLock guard(self->mutex_);
    if (self->stream_) self->stream_->wantWrite(true);
  });
}

void ReplicaFeed::fail(std::string why) {
  if (broken_) return;
  broken_ = true;
  place_.control.post([self = shared_from_this(), why = std::move(why)] { self->owner_.onGone(self->id_, why); });
}

void ReplicaFeed::onWritable() {
  MutexLock guard(mutex_);
  if (!stream_) return;
  stream_->wantWrite(false);
  blocked_ = false;
  blockedSince_ = 0;
  switch (mode_) {
    case Mode::kWaiting:
      writeHead();
      break;
    case Mode::kBulk:
      place_.executor.submit([self = shared_from_this()] { self->pumpBulk(); });
      break;
    case Mode::kStreaming:
      pumpLocked();
      break;
  }
}

// --- The bulk --------------------------------------------------------------------------------------------------

void ReplicaFeed::bulk(std::string_view bytes) {
  {
    MutexLock guard(mutex_);
    if (broken_) return;
    mode_ = Mode::kBulk;
    if (spillRead_ == spilledTo_ && head_.size() - headSent_ + bytes.size() <= kBulkInMemory) {
      head_.append(bytes);
      bytes = {};
    }
  }
  if (!bytes.empty()) {
    if (!spill_)
      spill_ = std::make_unique<oplog::Spill>(place_.files, place_.scratch + std::to_string(id_) + "-", UINT64_MAX);
    if (auto s = spill_->append(spilledTo_, bytes); !s) {
      MutexLock guard(mutex_);
      return fail("There is no room on disk for the part of its snapshot that it has not read yet: " + s.error().message);
    }
    spilledTo_ += static_cast<Offset>(bytes.size());
  }
  pumpBulk();
}

void ReplicaFeed::bulkFrom(std::shared_ptr<File> file, uint64_t size) {
  {
    MutexLock guard(mutex_);
    mode_ = Mode::kBulk;
    head_ += "$" + std::to_string(size) + "\r\n";
  }
  file_ = std::move(file);
  fileSize_ = size;
  bulkEnd();
}

void ReplicaFeed::bulkEnd() {
  bulkEnded_ = true;
  pumpBulk();
}

void ReplicaFeed::pumpBulk() {
  for (;;) {
    {
      MutexLock guard(mutex_);
      if (broken_ || blocked_ || !stream_ || !writeHead()) return;
    }
    if (!refillBulk()) break;
  }
  if (!bulkEnded_ || bulkTold_) return;
  bulkTold_ = true;
  spill_.reset();
  file_.reset();
  place_.control.post([self = shared_from_this()] { self->owner_.onBulkSent(self->id_); });
}

// Puts the next bytes of the file or the scratch file into the head; false if there are none.
bool ReplicaFeed::refillBulk() {
  std::string bytes;
  Result<size_t> got = size_t{0};
  if (file_ && fileRead_ < fileSize_) {
    bytes.resize(std::min<uint64_t>(kPiece, fileSize_ - fileRead_));
    got = file_->readAt(fileRead_, bytes);
    if (got && *got == 0) got = vigil::fail("the file became shorter");
    if (got) fileRead_ += *got;
  } else if (spill_ && spillRead_ < spilledTo_) {
    bytes.resize(std::min<size_t>(kPiece, static_cast<size_t>(spilledTo_ - spillRead_)));
    got = spill_->read(spillRead_, bytes);
    if (got && *got == 0) got = vigil::fail("the scratch file became shorter");
    if (got) {
      spillRead_ += static_cast<Offset>(*got);
      spill_->dropBelow(spillRead_);
    }
  } else {
    return false;
  }
  MutexLock guard(mutex_);
  if (!got) {
    fail("Its snapshot cannot be read from disk: " + got.error().message);
    return false;
  }
  bytes.resize(*got);
  head_ = std::move(bytes);
  headSent_ = 0;
  return true;
}

// --- What the replica says -------------------------------------------------------------------------------------

void ReplicaFeed::onReadable() {
  auto self = shared_from_this();
  char buffer[16 * 1024];
  IoResult got;
  {
    MutexLock guard(mutex_);
    if (!stream_) return;
    got = stream_->read(buffer);
  }
  if (got.wouldBlock()) return;
  if (got.broken()) return owner_.onGone(id_, {});
  input_.append(buffer, got.bytes);
  size_t taken = 0;
  wire::RequestLimits limits;
  limits.maxBulk = kMaxInput;
  while (taken < input_.size()) {
    auto outcome = parser_.parse(std::string_view(input_).substr(taken), limits, command_);
    if (outcome == wire::RequestParser::Outcome::kNeedMore) break;
    if (outcome == wire::RequestParser::Outcome::kProtocolError) return owner_.onGone(id_, "It does not speak the protocol");
    taken += command_.bytes;
    if (!handle(command_)) return;
  }
  input_.erase(0, taken);
  if (input_.size() > kMaxInput) owner_.onGone(id_, "It does not speak the protocol");
}

// Of all that a replica may say only its acknowledgements mean something here.
bool ReplicaFeed::handle(const wire::ParsedCommand& command) {
  if (command.args.size() < 3 || !equalsIgnoreCase(command.args[0], "replconf")) return true;
  std::optional<int64_t> offset;
  std::optional<int64_t> durable;
  for (size_t i = 1; i + 1 < command.args.size(); i += 2) {
    if (equalsIgnoreCase(command.args[i], "ack")) offset = parseInt64(command.args[i + 1]);
    if (equalsIgnoreCase(command.args[i], "fack")) durable = parseInt64(command.args[i + 1]);
  }
  if (offset) owner_.onAck(id_, *offset, durable.value_or(-1));
  MutexLock guard(mutex_);
  return stream_ != nullptr;
}

}  // namespace vigil::drivers
