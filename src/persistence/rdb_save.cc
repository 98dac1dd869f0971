#include "persistence/rdb_save.h"

#include <algorithm>
#include <cstring>

#include "base/ports/executor.h"
#include "base/text.h"
#include "ds/chunked_list.h"
#include "keyspace/entry.h"
#include "keyspace/rdb_entry.h"

namespace vigil::persistence {

using keyspace::Entry;

namespace {

constexpr size_t kBatchBytes = 32 * 1024;  // of staging, before it is handed over
constexpr size_t kBatchRoom = 36 * 1024;   // so that the last record needs no growth
constexpr size_t kOutput = 128 * 1024;     // written at once
// A referenced value costs memory only where a writer changes it meanwhile: it counts up to this size.
constexpr size_t kReferenceCost = size_t{1} << 20;
constexpr size_t kListCost = 64 * 1024;

}  // namespace

RdbHeader makeRdbHeader(const RdbHeaderFacts& facts) {
  RdbHeader header;
  auto add = [&](std::string_view name, std::string value) { header.aux.emplace_back(name, std::move(value)); };
  add("redis-ver", std::string(facts.redisVersion));
  add("redis-bits", "64");
  add("ctime", std::to_string(facts.created));
  add("used-mem", std::to_string(facts.usedMemory));
  if (facts.replication) {
    add("repl-stream-db", std::to_string(facts.streamDb));
    add("repl-id", std::string(facts.replicationId));
    add("repl-offset", std::to_string(facts.replicationOffset));
  }
  add("aof-base", facts.aofBase ? "1" : "0");
  return header;
}

// One entry in a staging buffer; its key, and the value where it is kText, follow it.
struct RdbSave::Record {
  enum class Kind : uint8_t { kText, kNumber, kBuffer, kList };
  UnixMs expireAt;  // 0: never
  int64_t number;   // kNumber: the value; kText: its size; else: which of the references
  uint32_t keySize;
  int32_t db;
  Kind kind;
  uint8_t frequency;
};

struct RdbSave::Staging {
  std::string bytes;
  std::vector<ds::SharedBuffer> buffers;
  std::vector<ds::ChunkedList> lists;
  uint64_t cost = 0;  // of the references
  uint64_t total() const { return bytes.size() + cost; }
};

RdbSave::RdbSave(SerialExecutor& executor, std::unique_ptr<RdbTarget> target, size_t shards,
                 const RdbSaveOptions& options, RdbFlow flow, Done done)
    : executor_(executor),
      options_(options),
      flow_(std::move(flow)),
      staging_(shards),
      shardsLeft_(shards),
      target_(std::move(target)),
      done_(std::move(done)),
      writer_(options.write) {}

RdbSave::~RdbSave() = default;

// --- Data plane ------------------------------------------------------------------------------------------------

void RdbSave::begin(RdbHeader header) {
  executor_.submit([self = shared_from_this(), header = std::move(header)] {
    self->writer_.header();
    for (const auto& [name, text] : header.aux) self->writer_.aux(name, text);
    for (const auto& size : header.databases) {
      self->writer_.selectDb(static_cast<uint64_t>(size.db));
      self->writer_.resizeDb(size.keys, size.withExpiry);
      self->db_ = size.db;
    }
    self->flush(1);
  });
}

void RdbSave::take(size_t shard, int db, const Entry& entry) {
  if (options_.withoutData) return;
  if (stopped_.load(std::memory_order_relaxed)) return;
  Staging& staging = staging_[shard];
  if (staging.bytes.capacity() == 0) staging.bytes.reserve(kBatchRoom);
  const std::string_view key = entry.key();
  std::string_view value;
  Record record{.expireAt = entry.expireAt(),
                .number = 0,
                .keySize = static_cast<uint32_t>(key.size()),
                .db = db,
                .kind = Record::Kind::kText,
                .frequency = 0};
  if (options_.access.lfu) {
    record.frequency = keyspace::lfuDecay(entry.access(), options_.now, options_.access.lfuDecayMinutes);
  }
  switch (entry.encoding()) {
    case Entry::Encoding::kInline:
      value = entry.inlineValue();
      record.number = static_cast<int64_t>(value.size());
      break;
    case Entry::Encoding::kInt:
      record.kind = Record::Kind::kNumber;
      record.number = entry.number();
      break;
    case Entry::Encoding::kBuffer:
      record.kind = Record::Kind::kBuffer;
      record.number = static_cast<int64_t>(staging.buffers.size());
      staging.buffers.push_back(entry.buffer());
      staging.cost += std::min(entry.buffer().size(), kReferenceCost);
      break;
    case Entry::Encoding::kObject:
      record.kind = Record::Kind::kList;
      record.number = static_cast<int64_t>(staging.lists.size());
      staging.lists.push_back(entry.list().snapshot());
      staging.cost += std::min(entry.list().size() * 8, kListCost);
      break;
  }
  staging.bytes.append(reinterpret_cast<const char*>(&record), sizeof record);
  staging.bytes.append(key);
  staging.bytes.append(value);
  keysTaken_.fetch_add(1, std::memory_order_relaxed);
  if (staging.total() >= kBatchBytes) handOver(staging);
}

void RdbSave::handOver(Staging& staging) {
  account(static_cast<int64_t>(staging.total()));
  executor_.submit([self = shared_from_this(), batch = std::exchange(staging, {})]() mutable {
    const auto bytes = static_cast<int64_t>(batch.total());
    self->encode(batch);
    batch = {};
    self->account(-bytes);
  });
}

void RdbSave::shardDone(size_t shard) {
  if (!staging_[shard].bytes.empty()) handOver(staging_[shard]);
  if (shardsLeft_.fetch_sub(1, std::memory_order_acq_rel) == 1 && !ending_.exchange(true)) finishLater();
}

void RdbSave::cancel(std::string why) {
  if (ending_.exchange(true)) return;
  stopped_.store(true, std::memory_order_relaxed);
  executor_.submit([self = shared_from_this(), why = std::move(why)]() mutable {
    for (Staging& staging : self->staging_) staging = {};
    if (!self->failed_) self->fail(Error{std::move(why)});
  });
}

// --- Bounds ----------------------------------------------------------------------------------------------------

bool RdbSave::ready() const {
  if (waiting_.load() <= options_.walkBytes) return true;
  resting_.store(true);
  return waiting_.load() <= options_.walkBytes;  // else whoever brings it down sees resting_
}

void RdbSave::account(int64_t bytes) {
  const uint64_t now = waiting_.fetch_add(static_cast<uint64_t>(bytes)) + static_cast<uint64_t>(bytes);
  if (bytes < 0 && now <= options_.walkBytes / 2 && resting_.exchange(false)) flow_.drained();
  MutexLock lock(parkMutex_);
  const uint64_t waiting = waiting_.load();
  const bool park = waiting > options_.parkBytes - (parking_ ? options_.parkBytes / 32 : 0);
  if (park != parking_) {
    parking_ = park;
    flow_.overBound(park);
  }
}

// --- Executor --------------------------------------------------------------------------------------------------

void RdbSave::encode(Staging& batch) {
  const char* at = batch.bytes.data();
  const char* const end = at + batch.bytes.size();
  while (at < end && !failed_) {
    Record record;
    std::memcpy(&record, at, sizeof record);
    at += sizeof record;
    encodeRecord(batch, record, at);
    at += record.keySize;
    if (record.kind == Record::Kind::kText) at += record.number;
    flush(kOutput);
  }
}

void RdbSave::encodeRecord(const Staging& batch, const Record& record, const char* text) {
  if (record.db != db_) {
    writer_.selectDb(static_cast<uint64_t>(record.db));
    db_ = record.db;
  }
  wire::RdbKey key;
  key.key = {text, record.keySize};
  if (record.expireAt != 0) key.expireAt = record.expireAt;
  if (options_.access.lfu) key.frequency = record.frequency;
  const auto number = static_cast<size_t>(record.number);
  switch (record.kind) {
    case Record::Kind::kText:
      writer_.string(key, listpack::Value::ofText({text + record.keySize, number}));
      break;
    case Record::Kind::kNumber:
      writer_.string(key, listpack::Value::ofInteger(record.number));
      break;
    case Record::Kind::kBuffer:
      writer_.string(key, listpack::Value::ofText(batch.buffers[number].view()));
      break;
    case Record::Kind::kList:
      keyspace::writeRdbList(writer_, key, batch.lists[number], [this] {
        flush(kOutput);
        return !failed_;
      });
      break;
  }
}

void RdbSave::flush(size_t atLeast) {
  if (failed_ || writer_.size() < atLeast) return;
  const Status status = target_->append(writer_.pending());
  writer_.clearPending();
  if (!status) fail(status.error());
}

void RdbSave::fail(Error error) {
  failed_ = true;
  stopped_.store(true, std::memory_order_relaxed);
  target_->abandon();
  end(std::unexpected(std::move(error)));
}

void RdbSave::finishLater() {
  executor_.submit([self = shared_from_this()] {
    if (self->failed_) return;
    self->writer_.finish();
    self->flush(1);
    if (self->failed_) return;
    if (Status status = self->target_->finish(); !status) return self->fail(status.error());
    self->end({});
  });
}

void RdbSave::end(Status status) {
  target_.reset();
  auto done = std::exchange(done_, nullptr);
  done(std::move(status));
}

}  // namespace vigil::persistence
