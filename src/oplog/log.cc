#include "oplog/log.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

#include "base/decimal.h"
#include "base/ports/executor.h"
#include "base/simulation.h"
#include "oplog/spill.h"
#include "wire/resp_writer.h"

namespace vigil::oplog {

namespace {

// The simulator's are small, so that its short runs have many blocks and readers that fall behind.
constexpr size_t kBlockBytes = kSimulated ? 1024 : 64 * 1024;
// What may be held for slow readers beside the backlog before it goes to disk. An AOF that is synced every second is
// one: what it has not synced is held, and is not to be written twice at every rate that a disk can take.
constexpr size_t kMemoryBeyondBacklog = kSimulated ? 8 * 1024 : 64 << 20;

// "SELECT db" as a record; returns its size.
size_t encodeSelect(int db, char* at) {
  char digits[kMaxDecimal];
  const std::string_view command[] = {"SELECT", {digits, putDecimal(digits, int64_t{db})}};
  return static_cast<size_t>(wire::encodeCommandAt(command, at) - at);
}
constexpr size_t kMaxSelect = 48;
// What is copied under the lock: some tens of nanoseconds.
constexpr size_t kSmallRecord = 512;
constexpr uint32_t kAtOnce[] = {0};  // a unit that begins with its first byte

}  // namespace

Cursor::State Cursor::state(Offset limit) {
  pinned_.reset();
  if (place_->lost.load(std::memory_order_acquire)) return State::kLost;
  Offset at = position();
  if (at >= std::min(limit, log_->published())) return State::kEmpty;
  SpinLock guard(log_->mutex_);
  if (!block_ || at < block_->start || at >= block_->end()) block_ = log_->blockAt(at);
  if (!block_) return State::kLost;
  if (!block_->bytes) return State::kOnDisk;
  pinned_ = block_->bytes;
  return State::kReady;
}

std::string_view Cursor::peek(Offset limit) {
  // Read first: what is published now lies within the block's end as read under the lock afterwards.
  Offset published = log_->published();
  if (state(limit) != State::kReady) return {};
  Offset to = std::min(limit, published);
  {
    SpinLock guard(log_->mutex_);
    to = std::min(to, block_->end());
  }
  if (to <= position()) return {};
  return {pinned_.get() + (position() - block_->start), static_cast<size_t>(to - position())};
}

Offset Cursor::unitEnd(Offset limit) {
  std::string_view piece = peek(limit);
  if (piece.empty()) return position();
  Offset to = position() + static_cast<Offset>(piece.size());
  SpinLock guard(log_->mutex_);
  if (to == block_->end()) return to;
  auto relative = static_cast<uint32_t>(to - block_->start);
  auto after = std::upper_bound(block_->units.begin(), block_->units.end(), relative);
  if (after == block_->units.begin()) return position();
  return std::max(position(), block_->start + static_cast<Offset>(*(after - 1)));
}

Log::Log(History history, Offset start) : end_(start), published_(start), history_(std::move(history)), pumped_(start) {
  SpinLock guard(mutex_);
  appendBlock(start, 0);
}

Log::~Log() = default;

void Log::appendBlock(Offset start, size_t atLeast) {
  blocks_.push_back(std::make_shared<Block>(start, std::max(atLeast, kBlockBytes)));
  tail_ = blocks_.back().get();
  memory_ += tail_->capacity;
}

void Log::popBlock() {
  if (blocks_.front()->bytes) memory_ -= blocks_.front()->capacity;
  blocks_.pop_front();
}

std::shared_ptr<Block> Log::blockAt(Offset at) {
  auto after = std::upper_bound(blocks_.begin(), blocks_.end(), at,
                                [](Offset o, const std::shared_ptr<Block>& block) { return o < block->start; });
  return after == blocks_.begin() ? nullptr : *(after - 1);
}

Log::Range Log::reserve(size_t bytes, std::span<const uint32_t> unitStarts) {
  Block* tail = tail_;
  if (tail->capacity - tail->reserved < bytes) {
    appendBlock(end_.load(std::memory_order_relaxed), bytes);
    tail = tail_;
    trim();
  }
  Range range{tail->bytes.get() + tail->reserved, end_.load(std::memory_order_relaxed) + static_cast<Offset>(bytes)};
  for (uint32_t start : unitStarts) tail->units.push_back(static_cast<uint32_t>(tail->reserved) + start);
  tail->reserved += bytes;
  end_.store(range.end, std::memory_order_release);
  return range;
}

uint64_t Log::takeTicket(Offset end) {
  inFlight_.push_back({end, false});
  waiting_ = true;
  return firstTicket_ + inFlight_.size() - 1;
}

void Log::publish(uint64_t ticket) {
  SpinLock guard(mutex_);
  inFlight_[ticket - firstTicket_].done = true;
  while (!inFlight_.empty() && inFlight_.front().done) {
    published_.store(inFlight_.front().end, std::memory_order_release);
    inFlight_.pop_front();
    ++firstTicket_;
  }
  waiting_ = !inFlight_.empty();
}

Offset Log::oldestNeeded() {
  Offset oldest = end_.load(std::memory_order_relaxed);
  std::erase_if(cursors_, [&oldest](const std::weak_ptr<Cursor::Place>& weak) {
    auto place = weak.lock();
    if (!place || place->lost.load(std::memory_order_relaxed)) return true;
    oldest = std::min(oldest, place->position.load(std::memory_order_acquire));
    return false;
  });
  return oldest;
}

void Log::trim() {
  Offset backlogFrom = end_.load(std::memory_order_relaxed) - static_cast<Offset>(backlogSize());
  Offset keepFrom = std::min(backlogFrom, oldestNeeded());
  bool freed = false;
  while (blocks_.size() > 1 && blocks_[1]->start <= keepFrom) {
    popBlock();
    freed = true;
  }
  if (!spill_ || spilling_) return;
  if (freed || nextToSpill()) {
    spilling_ = true;
    spillWriter_->submit([this] { spillSome(); });
  }
}

// The oldest block in memory that lies outside the backlog, once memory is over its bound.
std::shared_ptr<Block> Log::nextToSpill() {
  size_t backlog = backlogSize();
  if (memory_ <= backlog + kMemoryBeyondBacklog) return nullptr;
  Offset backlogFrom = end_.load(std::memory_order_relaxed) - static_cast<Offset>(backlog);
  for (auto& block : blocks_) {
    if (!block->bytes) continue;
    bool whole = block->end() <= published_.load(std::memory_order_relaxed);
    return whole && block->end() <= backlogFrom ? block : nullptr;
  }
  return nullptr;
}

void Log::loseCursorsBelow(Offset at) {
  for (auto& weak : cursors_) {
    auto place = weak.lock();
    if (place && place->position.load(std::memory_order_acquire) < at)
      place->lost.store(true, std::memory_order_release);
  }
}

void Log::spillSome() {
  for (;;) {
    std::shared_ptr<Block> block;
    std::shared_ptr<char[]> bytes;
    Offset oldest;
    Spill* spill = nullptr;
    {
      SpinLock guard(mutex_);
      spill = spill_;
      oldest = blocks_.front()->start;
      block = nextToSpill();
      if (block) bytes = block->bytes;
      if (!block) spilling_ = false;
    }
    spill->dropBelow(oldest);
    if (!block) return;
    Status written = spill->append(block->start, {bytes.get(), block->reserved});
    std::function<void(const Error&)> failed;
    {
      SpinLock guard(mutex_);
      if (written) {
        block->bytes.reset();
        memory_ -= block->capacity;
        continue;
      }
      loseCursorsBelow(block->end());
      failed = spillFailed_;
      while (blocks_.size() > 1 && blocks_.front()->end() <= block->end()) popBlock();
      spilling_ = false;
    }
    if (failed) failed(written.error());
    return;
  }
}

Result<size_t> Log::readSpilled(Offset at, std::span<char> into) {
  Spill* spill = nullptr;
  {
    SpinLock guard(mutex_);
    auto block = blockAt(at);
    if (!block || block->bytes) return fail("offset " + std::to_string(at) + " of the log is not on disk");
    spill = spill_;
  }
  return spill->read(at, into);
}

void Log::useSpill(Spill* spill, SerialExecutor* writer, std::function<void(const Error&)> failed) {
  SpinLock guard(mutex_);
  spill_ = spill;
  spillWriter_ = writer;
  spillFailed_ = std::move(failed);
}

uint64_t Log::spilled() const {
  SpinLock guard(mutex_);
  return spill_ ? spill_->bytes() : 0;
}

void Log::setSpillLimit(uint64_t bytes) {
  SpinLock guard(mutex_);
  if (spill_) spill_->setMaxBytes(bytes);
}

Offset Log::append(int db, Args command) {
  Record record{db, command};
  return appendUnit({&record, 1});
}

Offset Log::appendUnit(std::span<const Record> records) {
  if (!active()) return end();
  size_t bytes = 0;
  for (const Record& record : records) bytes += wire::encodedCommandSize(record.command);
  if (records.size() == 1 && bytes <= kSmallRecord) return appendSmall(records[0], bytes);
  // MULTI itself belongs to no database; the unit's SELECTs stand before the first command of each database.
  char selects[kMaxSelect];
  size_t selectBytes = 0;
  Range range;
  uint64_t ticket = 0;
  int selected;
  {
    SpinLock guard(mutex_);
    selected = selectedDb_;
    int at = selected;
    for (const Record& record : records) {
      if (record.db != at && record.db >= 0) {
        at = record.db;
        selectBytes += encodeSelect(at, selects);
      }
    }
    selectedDb_ = at;
    range = reserve(bytes + selectBytes, kAtOnce);
    ticket = takeTicket(range.end);
  }
  char* at = range.at;
  for (const Record& record : records) {
    if (record.db != selected && record.db >= 0) {
      selected = record.db;
      at += encodeSelect(selected, at);
    }
    at = wire::encodeCommandAt(record.command, at);
  }
  publish(ticket);
  return range.end;
}

Offset Log::appendSmall(const Record& record, size_t bytes) {
  char encoded[kSmallRecord];
  wire::encodeCommandAt(record.command, encoded);
  char select[kMaxSelect];
  size_t selectBytes = 0;
  SpinLock guard(mutex_);
  if (record.db >= 0 && record.db != selectedDb_) {
    selectedDb_ = record.db;
    selectBytes = encodeSelect(record.db, select);
  }
  const Range range = reserve(selectBytes + bytes, kAtOnce);
  std::memcpy(range.at, select, selectBytes);
  std::memcpy(range.at + selectBytes, encoded, bytes);
  if (!waiting_) {
    published_.store(range.end, std::memory_order_release);
  } else {
    inFlight_.push_back({range.end, true});
  }
  return range.end;
}

Offset Log::appendStream(std::string_view bytes, std::span<const uint32_t> unitStarts) {
  if (bytes.empty()) return end();
  Range range;
  uint64_t ticket = 0;
  {
    SpinLock guard(mutex_);
    range = reserve(bytes.size(), unitStarts);
    ticket = takeTicket(range.end);
  }
  std::memcpy(range.at, bytes.data(), bytes.size());
  publish(ticket);
  return range.end;
}

void Log::forceSelect() { setSelectedDb(-1); }

int Log::selectedDb() const {
  SpinLock guard(mutex_);
  return selectedDb_;
}

void Log::setSelectedDb(int db) {
  SpinLock guard(mutex_);
  selectedDb_ = db;
}

Offset Log::start() const {
  SpinLock guard(mutex_);
  return blocks_.front()->start;
}

Cursor Log::cursor(Offset at) {
  SpinLock guard(mutex_);
  Cursor cursor;
  if (at < blocks_.front()->start || at > end_.load(std::memory_order_relaxed)) return cursor;
  cursor.log_ = this;
  cursor.place_ = std::make_shared<Cursor::Place>();
  cursor.place_->position.store(at, std::memory_order_relaxed);
  cursors_.push_back(cursor.place_);
  return cursor;
}

void Log::setNeeded(Reason reason, bool needed) {
  SpinLock guard(mutex_);
  auto bit = static_cast<uint8_t>(reason);
  bool was = reasons_ != 0;
  reasons_ = static_cast<uint8_t>(needed ? reasons_ | bit : reasons_ & ~bit);
  if (!was && reasons_ != 0) selectedDb_ = -1;
  active_.store(reasons_ != 0, std::memory_order_release);
  if (reason == Reason::kReplication) replicating_.store(needed, std::memory_order_relaxed);
}

bool Log::needed(Reason reason) const {
  SpinLock guard(mutex_);
  return (reasons_ & static_cast<uint8_t>(reason)) != 0;
}

void Log::setBacklogSize(size_t bytes) {
  backlogSize_.store(bytes, std::memory_order_relaxed);
  SpinLock guard(mutex_);
  trim();
}

void Log::dropBacklog() {
  SpinLock guard(mutex_);
  Offset at = end_.load(std::memory_order_relaxed);
  Offset keepFrom = oldestNeeded();
  if (blocks_.back()->reserved != 0) appendBlock(at, 0);
  while (blocks_.size() > 1 && blocks_[1]->start <= keepFrom) popBlock();
}

size_t Log::memory() const {
  SpinLock guard(mutex_);
  size_t total = memory_;
  for (const auto& block : blocks_) total += block->units.capacity() * sizeof(uint32_t);
  return total;
}

size_t Log::memoryBeyondBacklog() const {
  SpinLock guard(mutex_);
  return memory_ - std::min(memory_, backlogSize());
}

History Log::history() const {
  SpinLock guard(mutex_);
  return history_;
}

History Log::tellHistory() {
  SpinLock guard(mutex_);
  history_.untold = false;
  return history_;
}

void Log::setHistory(History history) {
  SpinLock guard(mutex_);
  history_ = std::move(history);
}

void Log::restart(History history, Offset start) {
  SpinLock guard(mutex_);
  assert(inFlight_.empty());
  history_ = std::move(history);
  loseCursorsBelow(std::numeric_limits<Offset>::max());
  while (!blocks_.empty()) popBlock();
  appendBlock(start, 0);
  end_.store(start, std::memory_order_release);
  published_.store(start, std::memory_order_release);
  selectedDb_ = -1;
}

void Log::addSink(Sink* sink, int rank) {
  std::unique_lock guard(sinksMutex_);
  sinks_.emplace_back(rank, sink);
  std::stable_sort(sinks_.begin(), sinks_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  haveSinks_.store(true, std::memory_order_release);
}

void Log::removeSink(Sink* sink) {
  std::unique_lock guard(sinksMutex_);
  std::erase_if(sinks_, [sink](const auto& s) { return s.second == sink; });
  haveSinks_.store(!sinks_.empty(), std::memory_order_release);
}

void Log::pump() {
  if (!haveSinks_.load(std::memory_order_acquire)) return;
  std::shared_lock guard(sinksMutex_);
  for (auto& [rank, sink] : sinks_) sink->pump();
}

}  // namespace vigil::oplog
