#include "oplog/log.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>

#include "wire/resp_writer.h"

namespace vigil::oplog {

namespace {

constexpr size_t kBlockBytes = 64 * 1024;

// "SELECT db" as a record; returns its size.
size_t encodeSelect(int db, char* at) {
  char digits[12];
  auto end = std::to_chars(digits, digits + sizeof digits, db).ptr;
  std::string_view command[] = {"SELECT", {digits, static_cast<size_t>(end - digits)}};
  return static_cast<size_t>(wire::encodeCommandAt(command, at) - at);
}
constexpr size_t kMaxSelect = 48;

}  // namespace

Block::~Block() {
  // Unlink the chain step by step: a long one must not be freed by recursion.
  std::shared_ptr<Block> following = std::move(next);
  while (following && following.use_count() == 1) following = std::move(following->next);
}

std::string_view Cursor::peek(Offset limit) {
  Offset to = std::min(limit, log_->published());
  if (position_ >= to) return {};
  while (position_ >= block_->start + static_cast<Offset>(block_->reserved)) {
    // Published bytes lie behind this block, so it is sealed and has a successor.
    std::shared_ptr<Block> next;
    {
      MutexLock guard(log_->mutex_);
      if (position_ < block_->start + static_cast<Offset>(block_->reserved)) break;
      next = block_->next;
    }
    assert(next);
    block_ = std::move(next);
  }
  size_t reserved;
  {
    MutexLock guard(log_->mutex_);
    reserved = block_->reserved;
  }
  to = std::min(to, block_->start + static_cast<Offset>(reserved));
  return {block_->bytes.get() + (position_ - block_->start), static_cast<size_t>(to - position_)};
}

Offset Cursor::unitEnd(Offset limit) {
  std::string_view piece = peek(limit);
  if (piece.empty()) return position_;
  Offset to = position_ + static_cast<Offset>(piece.size());
  MutexLock guard(log_->mutex_);
  if (to == block_->start + static_cast<Offset>(block_->reserved)) return to;
  auto relative = static_cast<uint32_t>(to - block_->start);
  auto after = std::upper_bound(block_->units.begin(), block_->units.end(), relative);
  if (after == block_->units.begin()) return position_;
  return std::max(position_, block_->start + static_cast<Offset>(*(after - 1)));
}

Log::Log(History history, Offset start) : end_(start), published_(start), history_(std::move(history)), pumped_(start) {
  blocks_.push_back(makeBlock(start, 0));
}

Log::~Log() = default;

std::shared_ptr<Block> Log::makeBlock(Offset start, size_t atLeast) {
  return std::make_shared<Block>(start, std::max(atLeast, kBlockBytes));
}

Log::Range Log::reserve(size_t bytes, std::span<const uint32_t> unitStarts) {
  Block* tail = blocks_.back().get();
  if (tail->capacity - tail->reserved < bytes) {
    auto next = makeBlock(end_.load(std::memory_order_relaxed), bytes);
    tail->next = next;
    tail = next.get();
    blocks_.push_back(std::move(next));
    trim();
  }
  Range range{tail, tail->bytes.get() + tail->reserved, firstTicket_ + inFlight_.size(), 0};
  for (uint32_t start : unitStarts) tail->units.push_back(static_cast<uint32_t>(tail->reserved) + start);
  tail->reserved += bytes;
  range.end = end_.load(std::memory_order_relaxed) + static_cast<Offset>(bytes);
  end_.store(range.end, std::memory_order_release);
  inFlight_.push_back({range.end, false});
  return range;
}

void Log::publish(uint64_t ticket) {
  MutexLock guard(mutex_);
  inFlight_[ticket - firstTicket_].done = true;
  while (!inFlight_.empty() && inFlight_.front().done) {
    published_.store(inFlight_.front().end, std::memory_order_release);
    inFlight_.pop_front();
    ++firstTicket_;
  }
}

void Log::trim() {
  Offset keepFrom = end_.load(std::memory_order_relaxed) - static_cast<Offset>(backlogSize());
  while (blocks_.size() > 1 && blocks_[1]->start <= keepFrom) blocks_.pop_front();
}

Offset Log::append(int db, Args command) {
  Record record{db, command};
  return appendUnit({&record, 1});
}

Offset Log::appendUnit(std::span<const Record> records) {
  if (!active()) return end();
  size_t bytes = 0;
  for (const Record& record : records) bytes += wire::encodedCommandSize(record.command);
  // MULTI itself belongs to no database; the unit's SELECTs stand before the first command of each database.
  char selects[kMaxSelect];
  size_t selectBytes = 0;
  Range range;
  int selected;
  {
    MutexLock guard(mutex_);
    selected = selectedDb_;
    int at = selected;
    for (const Record& record : records) {
      if (record.db != at && record.db >= 0) {
        at = record.db;
        selectBytes += encodeSelect(at, selects);
      }
    }
    selectedDb_ = at;
    static constexpr uint32_t kFirst[] = {0};
    range = reserve(bytes + selectBytes, kFirst);
  }
  char* at = range.at;
  for (const Record& record : records) {
    if (record.db != selected && record.db >= 0) {
      selected = record.db;
      at += encodeSelect(selected, at);
    }
    at = wire::encodeCommandAt(record.command, at);
  }
  publish(range.ticket);
  return range.end;
}

Offset Log::appendStream(std::string_view bytes, std::span<const uint32_t> unitStarts) {
  if (bytes.empty()) return end();
  Range range;
  {
    MutexLock guard(mutex_);
    range = reserve(bytes.size(), unitStarts);
  }
  std::memcpy(range.at, bytes.data(), bytes.size());
  publish(range.ticket);
  return range.end;
}

void Log::forceSelect() { setSelectedDb(-1); }

int Log::selectedDb() const {
  MutexLock guard(mutex_);
  return selectedDb_;
}

void Log::setSelectedDb(int db) {
  MutexLock guard(mutex_);
  selectedDb_ = db;
}

Offset Log::start() const {
  MutexLock guard(mutex_);
  return blocks_.front()->start;
}

Cursor Log::cursor(Offset at) {
  MutexLock guard(mutex_);
  Cursor cursor;
  if (at < blocks_.front()->start || at > end_.load(std::memory_order_relaxed)) return cursor;
  auto after = std::upper_bound(blocks_.begin(), blocks_.end(), at,
                                [](Offset o, const std::shared_ptr<Block>& block) { return o < block->start; });
  cursor.log_ = this;
  cursor.block_ = *(after - 1);
  cursor.position_ = at;
  return cursor;
}

void Log::setNeeded(Reason reason, bool needed) {
  MutexLock guard(mutex_);
  auto bit = static_cast<uint8_t>(reason);
  bool was = reasons_ != 0;
  reasons_ = static_cast<uint8_t>(needed ? reasons_ | bit : reasons_ & ~bit);
  if (!was && reasons_ != 0) selectedDb_ = -1;
  active_.store(reasons_ != 0, std::memory_order_release);
}

void Log::setBacklogSize(size_t bytes) {
  backlogSize_.store(bytes, std::memory_order_relaxed);
  MutexLock guard(mutex_);
  trim();
}

void Log::dropBacklog() {
  MutexLock guard(mutex_);
  Offset at = end_.load(std::memory_order_relaxed);
  auto fresh = makeBlock(at, 0);
  blocks_.back()->next = fresh;
  blocks_.clear();
  blocks_.push_back(std::move(fresh));
}

size_t Log::memory() const {
  MutexLock guard(mutex_);
  size_t total = 0;
  for (const auto& block : blocks_) total += block->capacity + block->units.capacity() * sizeof(uint32_t);
  return total;
}

History Log::history() const {
  MutexLock guard(mutex_);
  return history_;
}

void Log::setHistory(History history) {
  MutexLock guard(mutex_);
  history_ = std::move(history);
}

void Log::restart(History history, Offset start) {
  MutexLock guard(mutex_);
  assert(inFlight_.empty());
  history_ = std::move(history);
  blocks_.clear();
  blocks_.push_back(makeBlock(start, 0));
  end_.store(start, std::memory_order_release);
  published_.store(start, std::memory_order_release);
  selectedDb_ = -1;
}

void Log::addSink(Sink* sink, int rank) {
  MutexLock guard(sinksMutex_);
  sinks_.emplace_back(rank, sink);
  std::stable_sort(sinks_.begin(), sinks_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  haveSinks_.store(true, std::memory_order_release);
}

void Log::removeSink(Sink* sink) {
  MutexLock guard(sinksMutex_);
  std::erase_if(sinks_, [sink](const auto& s) { return s.second == sink; });
  haveSinks_.store(!sinks_.empty(), std::memory_order_release);
}

void Log::pump() {
  if (!haveSinks_.load(std::memory_order_acquire)) return;
  MutexLock guard(sinksMutex_);
  for (auto& [rank, sink] : sinks_) sink->pump();
}

}  // namespace vigil::oplog
