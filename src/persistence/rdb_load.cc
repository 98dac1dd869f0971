#include "persistence/rdb_load.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "base/ports/files.h"
#include "base/text.h"
#include "keyspace/access_clock.h"
#include "keyspace/entry.h"
#include "keyspace/expiry_index.h"
#include "keyspace/keyspace.h"

namespace vigil::persistence {

using keyspace::Entry;
using wire::RdbReader;

namespace {

constexpr size_t kBlock = 512 * 1024;          // bytes that one read asks for, and the buffer's usual size
constexpr uint64_t kBytesPerKey = 16;          // of a file: no more keys than that are reserved for
constexpr uint64_t kReserveUnknown = 1 << 20;  // keys, where the input's length is not known
constexpr uint64_t kProgressEvery = 2 << 20;

wire::RdbReader::Options readerOptions(const RdbLoadOptions& options) {
  return {.verifyChecksum = options.verifyChecksum, .maxString = ds::ChunkedList::kMaxElementSize};
}

// A key in a message: cut where it is long, without bytes that a log line cannot show.
std::string shown(std::string_view key) {
  std::string text;
  for (char c : key.substr(0, 128)) text += c >= ' ' && c <= '~' ? c : '.';
  return key.size() > 128 ? text + "..." : text;
}

}  // namespace

RdbLoader::RdbLoader(keyspace::Keyspace& into, const RdbLoadOptions& options)
    : keyspace_(into), options_(options), reader_(readerOptions(options)), builder_(options.listLimit) {}

RdbLoader::~RdbLoader() {
  for (size_t i = 0; i < pendingCount_; ++i) Entry::free(pending_[i].entry);
}

// --- Bytes -----------------------------------------------------------------------------------------------------

std::span<char> RdbLoader::room() {
  const size_t unread = end_ - begin_;
  if (begin_ != 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, unread);
    begin_ = 0;
    end_ = unread;
  }
  if (end_ + kBlock / 2 > capacity_) {
    // A long string: as much again as has come.
    const size_t capacity = std::max(kBlock, end_ * 2);
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (end_ != 0) std::memcpy(larger.get(), buffer_.get(), end_);
    buffer_ = std::move(larger);
    capacity_ = capacity;
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

RdbLoader::State RdbLoader::received(size_t bytes) {
  assert(end_ + bytes <= capacity_);
  end_ += bytes;
  return decode();
}

RdbLoader::State RdbLoader::feed(std::string_view& bytes) {
  while (!bytes.empty()) {
    const std::span<char> into = room();
    const size_t count = std::min(into.size(), bytes.size());
    std::memcpy(into.data(), bytes.data(), count);
    const State state = received(count);
    if (state != State::kNeedMore) {
      bytes.remove_prefix(count - std::min(count, end_ - begin_));
      return state;
    }
    bytes.remove_prefix(count);
  }
  return State::kNeedMore;
}

RdbLoader::State RdbLoader::decode() {
  std::string_view unread = rest();
  State state = State::kNeedMore;
  for (;;) {
    const RdbReader::Event event = reader_.next(unread);
    if (event == RdbReader::Event::kNeedMore) break;
    if (event == RdbReader::Event::kError) {
      error_ = reader_.error();
      state = State::kFailed;
      break;
    }
    if (event == RdbReader::Event::kEof) {
      state = insertPending() ? State::kDone : State::kFailed;
      break;
    }
    if (!apply(event)) {
      state = State::kFailed;
      break;
    }
  }
  begin_ = end_ - unread.size();
  return state;
}

// --- Events ----------------------------------------------------------------------------------------------------

bool RdbLoader::apply(RdbReader::Event event) {
  using Event = RdbReader::Event;
  switch (event) {
    case Event::kString:
      return stringKey();
    case Event::kBegin:
      if (!beginKey()) return false;
      if (!skipKey_) builder_.begin();
      return true;
    case Event::kItem:
      if (!skipKey_) builder_.add(reader_.value());
      return true;
    case Event::kEnd:
      return endCollection();
    case Event::kSelectDb:
      return selectDb(reader_.number());
    case Event::kResizeDb:
      reserve(reader_.number());
      return true;
    case Event::kAux:
      noteAux(reader_.name(), reader_.text());
      return true;
    case Event::kFunction:
      return refuse(
          "The file holds a library of functions, which Vigil does not hold yet: delete it (FUNCTION FLUSH) "
          "on the server that wrote the file, and save again");
    default:
      return true;
  }
}

bool RdbLoader::refuse(std::string error) {
  error_ = std::move(error) + " (at offset " + std::to_string(reader_.offset()) + ")";
  return false;
}

void RdbLoader::noteAux(std::string_view name, std::string_view text) {
  if (name == "redis-ver") aux_.redisVersion = text;
  if (name == "ctime") aux_.created = parseInt64(text);
  if (name == "used-mem") aux_.usedMemory = parseInt64(text);
  if (name == "repl-id" && text.size() == 40) aux_.replicationId = text;
  if (name == "repl-offset") aux_.replicationOffset = parseInt64(text);
  if (name == "repl-stream-db") {
    const auto db = parseInt64(text);
    if (db && *db >= 0 && *db < static_cast<int64_t>(keyspace_.databaseCount())) aux_.streamDb = static_cast<int>(*db);
  }
  if (name == "aof-base" || name == "aof-preamble") aux_.aofBase = text == "1";
}

bool RdbLoader::selectDb(uint64_t db) {
  if (!insertPending()) return false;
  if (db >= keyspace_.databaseCount()) {
    error_ = "FATAL: Data file was created with a Redis server configured to handle more than " +
             std::to_string(keyspace_.databaseCount()) + " databases. Exiting";
    return false;
  }
  db_ = static_cast<int>(db);
  return true;
}

void RdbLoader::reserve(uint64_t keys) {
  const uint64_t most = options_.expectedBytes != 0 ? options_.expectedBytes / kBytesPerKey : kReserveUnknown;
  const uint64_t each = std::min(keys, most) / keyspace_.shardCount();
  constexpr uint64_t kWorthwhile = 64;
  if (each < kWorthwhile) return;
  for (size_t shard = 0; shard < keyspace_.shardCount(); ++shard) {
    keyspace_.shard(shard).makeTable(db_).reserve(each + each / 32);  // keys do not spread quite evenly
  }
}

bool RdbLoader::beginKey() {
  const wire::RdbKey& key = reader_.key();
  expireAt_ = key.expireAt.value_or(0);
  skipKey_ = key.expireAt && options_.dropExpired && expireAt_ < options_.now;
  if (key.expireAt && expireAt_ == 0) expireAt_ = 1;  // in the past, which 0 would not say
  if (skipKey_) {
    ++keysExpired_;
    if (options_.dropped) options_.dropped(db_, key.key);
  }
  if (key.key.size() > Entry::kMaxKeySize) {
    return refuse("key '" + shown(key.key) + "' of " + std::to_string(key.key.size()) + " bytes is too long");
  }
  return true;
}

bool RdbLoader::stringKey() {
  if (!beginKey()) return false;
  if (skipKey_) return true;
  return add(keyspace::makeRdbString(reader_.key().key, reader_.value(), expireAt_));
}

bool RdbLoader::endCollection() {
  if (skipKey_) return true;
  Entry* const entry = builder_.finish(reader_.key().key, expireAt_);
  if (entry == nullptr) {
    ++emptyKeys_;
    return true;
  }
  return add(entry);
}

// --- Entries ---------------------------------------------------------------------------------------------------

bool RdbLoader::add(Entry* entry) {
  const wire::RdbKey& key = reader_.key();
  const keyspace::AccessPolicy policy = keyspace_.accessPolicy();
  uint32_t access = keyspace::initialAccess(policy, options_.now);
  if (policy.lfu && key.frequency) {
    access = keyspace::lfuPack(options_.now, *key.frequency);
  } else if (!policy.lfu && key.idleSeconds) {
    access = (access - static_cast<uint32_t>(*key.idleSeconds)) & keyspace::kAccessMask;
  }
  entry->setAccess(access);
  const uint64_t hash = keyspace_.hashOf(entry->key());
  keyspace::Shard& shard = keyspace_.shardOf(hash);
  shard.makeTable(db_).prefetchBucket(hash);
  pending_[pendingCount_++] = {entry, hash, &shard};
  return pendingCount_ < kBatch || insertPending();
}

bool RdbLoader::insertPending() {
  for (size_t i = 0; i < pendingCount_; ++i) {
    const Pending& next = pending_[i];
    keyspace::Table& table = *next.shard->table(db_);
    if (table.find({next.entry->key(), next.hash})) {
      refuse("RDB has duplicated key '" + shown(next.entry->key()) + "' in DB " + std::to_string(db_));
      for (size_t left = i; left < pendingCount_; ++left) Entry::free(pending_[left].entry);
      pendingCount_ = 0;
      return false;
    }
    next.shard->insert(db_, table, next.hash, next.entry);
    if (next.entry->hasExpire()) next.shard->expiry(db_).add(next.hash, next.entry->expireAt());
    ++keysLoaded_;
  }
  pendingCount_ = 0;
  return true;
}

// --- Files -----------------------------------------------------------------------------------------------------

Result<uint64_t> loadRdbFile(RdbLoader& loader, File& file, const std::function<Status(uint64_t)>& progress) {
  uint64_t offset = 0;
  for (uint64_t nextProgress = kProgressEvery;;) {
    const auto got = file.readAt(offset, loader.room());
    if (!got) return std::unexpected(got.error());
    if (*got == 0) {
      return fail("Short read or OOM loading DB. Unrecoverable error, aborting now. " + loader.truncated());
    }
    offset += *got;
    switch (loader.received(*got)) {
      case RdbLoader::State::kNeedMore:
        break;
      case RdbLoader::State::kFailed:
        return fail(loader.error());
      case RdbLoader::State::kDone:
        return offset - loader.rest().size();
    }
    if (progress && offset >= nextProgress) {
      if (auto goesOn = progress(loader.offset()); !goesOn) return std::unexpected(goesOn.error());
      nextProgress = offset + kProgressEvery;
    }
  }
}

}  // namespace vigil::persistence
