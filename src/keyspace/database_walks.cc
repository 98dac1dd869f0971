// Database's walks over all shards: SCAN, KEYS, RANDOMKEY.
//
//   cursor: | the table's cursor | shard (9 bits) |    shards in ascending order, so 0 is the beginning and the end
#include <algorithm>

#include "keyspace/database.h"
#include "keyspace/keyspace.h"

namespace vigil::keyspace {

namespace {

constexpr int kShardBits = 9;
static_assert(Keyspace::kMaxShards == 1 << kShardBits);
// Mostly empty tables (about to shrink) must not make one call long: as many buckets per wanted entry as in Redis.
constexpr size_t kRegionsPerEntry = 10;
constexpr size_t kRegionsPerShard = 4;

}  // namespace

size_t Database::size() const { return keyspace_->size(index_); }
size_t Database::withExpiry() const { return keyspace_->withExpiry(index_); }

size_t Database::scanShard(uint64_t cursor) const {
  return keyspace_->scanShard(cursor);
}

uint64_t Database::scan(uint64_t cursor, size_t count, ShardAccess& access,
                        const std::function<void(const Entry&)>& visit) {
  const size_t shards = keyspace_->shardCount();
  const size_t first = scanShard(cursor);
  size_t regions = std::min<size_t>(count, SIZE_MAX / 64) * kRegionsPerEntry + shards * kRegionsPerShard;
  if (keyspace_->sizeWithHidden(index_) <= count) count = SIZE_MAX;  // all of it, though the last shards may hold nothing
  size_t seen = 0;
  uint64_t at = cursor >> kShardBits;
  for (size_t number = first;; ++number) {
    if (const Table* table = keyspace_->shard(number).table(index_)) {
      do {
        at = table->scan(at, [&](const Entry& entry) {
          ++seen;
          if (live(entry) && !keyspace_->hidden(entry.key())) visit(entry);
        });
        --regions;
      } while (at != 0 && seen < count && regions > 0);
    } else {
      at = 0;
    }
    if (number != first) access.leave(number);
    if (at != 0) return at << kShardBits | number;
    const size_t next = number + 1;
    if (next == shards) return 0;
    if (seen >= count || regions == 0 || !access.tryEnter(next)) return next;
  }
}

void Database::forEach(const std::function<void(const Entry&)>& visit) {
  for (size_t number = 0; number < keyspace_->shardCount(); ++number) {
    const Table* table = keyspace_->shard(number).table(index_);
    if (table == nullptr) continue;
    table->forEach([&](const Entry& entry) {
      if (live(entry) && !keyspace_->hidden(entry.key())) visit(entry);
    });
  }
}

const Entry* Database::randomEntry(const std::function<uint64_t()>& random) {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    const size_t total = keyspace_->sizeWithHidden(index_);
    if (total == 0) return nullptr;
    uint64_t rank = random() % total;
    size_t number = 0;
    while (rank >= keyspace_->shard(number).size(index_)) rank -= keyspace_->shard(number++).size(index_);
    const Entry* entry = keyspace_->shard(number).table(index_)->randomEntry(random);
    if (keyspace_->hidden(entry->key())) continue;
    if (live(*entry)) return entry;
    peek(ref(entry->key()));  // a master deletes it, which makes the next try likelier
  }
  // Nearly everything has expired, or is hidden.
  const Entry* found = nullptr;
  forEach([&](const Entry& entry) { found = &entry; });
  return found;
}

}  // namespace vigil::keyspace
