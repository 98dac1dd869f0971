#include "keyspace/database.h"

#include <algorithm>
#include <cassert>

#include "ds/chunked_list.h"
#include "keyspace/expiry_index.h"
#include "keyspace/keyspace.h"

namespace vigil::keyspace {

Database::Database(Keyspace& keyspace, int index)
    : keyspace_(&keyspace), index_(index), randomState_(keyspace.hashOf("dice") | 1) {}

void Database::prepare(UnixMs now, ExpiryMode mode, ExpiryListener* listener, bool touch) {
  if (now_ != now) {
    now_ = now;
    lruNow_ = lruNow(now);
  }
  mode_ = mode;
  listener_ = listener;
  touch_ = touch;
  policy_ = keyspace_->accessPolicy();
}

KeyRef Database::ref(std::string_view key) const { return keyspace_->ref(key); }

// --- Looking up ---

Database::Spot Database::locate(const KeyRef& key) const {
  Shard& shard = keyspace_->shardOf(key.hash);
  Table* table = shard.table(index_);
  if (table == nullptr) [[unlikely]]
    return {&shard, nullptr, {}};
  return {&shard, table, table->find(key)};
}

Database::Spot Database::lookup(const KeyRef& key) {
  Spot spot = locate(key);
  if (spot.place && !live(*spot.place.entry())) [[unlikely]] {
    if (mode_ == ExpiryMode::kDelete) spot.shard->expire(index_, *spot.table, key, spot.place, listener_);
    spot.place = {};
  }
  return spot;
}

Database::Spot Database::lookupForWrite(const KeyRef& key) {
  Spot spot = locate(key);
  if (spot.place && !live(*spot.place.entry())) [[unlikely]] {
    ExpiryListener* listener = mode_ == ExpiryMode::kDelete ? listener_ : nullptr;
    spot.shard->expire(index_, *spot.table, key, spot.place, listener);
    spot.place = {};
  }
  return spot;
}

uint64_t Database::random() {
  randomState_ ^= randomState_ << 13;
  randomState_ ^= randomState_ >> 7;
  randomState_ ^= randomState_ << 17;
  return randomState_;
}

void Database::touch(Entry& entry) {
  if (!touch_) return;
  if (policy_.lfu) {
    entry.setAccess(touchedLfu(policy_, entry.access(), now_, random()));
  } else if (entry.access() != lruNow_) {
    entry.setAccess(lruNow_);
  }
}

const Entry* Database::findUntouched(const KeyRef& key) {
  const Spot spot = lookup(key);
  Shard::Statistics& statistics = spot.shard->statistics;
  (spot.place ? statistics.hits : statistics.misses).add();
  if (!spot.place && announceMissed_) [[unlikely]]
    listener_->onMissed(index_, key);
  return spot.entry();
}

const Entry* Database::find(const KeyRef& key) {
  const Entry* entry = findUntouched(key);
  if (entry != nullptr) [[likely]]
    touch(const_cast<Entry&>(*entry));
  return entry;
}

Database::Spot Database::spotForWrite(const KeyRef& key) {
  const Spot spot = lookupForWrite(key);
  if (Entry* entry = spot.entry()) {
    spot.table->beforeChange(key.hash);
    touch(*entry);
  }
  return spot;
}

// --- Entries in and out ---

void Database::insert(const Spot& spot, const KeyRef& key, Entry* entry) {
  assert(!spot.place);
  Table& table = spot.table != nullptr ? *spot.table : spot.shard->makeTable(index_);
  spot.shard->insert(index_, table, key.hash, entry);
  if (entry->hasExpire()) spot.shard->expiry(index_).add(key.hash, entry->expireAt());
  if (announceCreated_) [[unlikely]]
    listener_->onCreated(index_, key);
}

void Database::put(const Spot& spot, const KeyRef& key, Entry* entry) {
  if (!spot.place) {
    entry->setAccess(initialAccess(policy_, now_));
    insert(spot, key, entry);
    return;
  }
  Entry* old = spot.shard->replace(index_, *spot.table, key.hash, spot.place, entry);
  entry->setAccess(old->access());
  touch(*entry);
  if (entry->hasExpire() && entry->expireAt() != old->expireAt()) {
    spot.shard->expiry(index_).add(key.hash, entry->expireAt());
  }
  spot.shard->discard(old, spot.shard->lazyServerDelete());
}

ds::ChunkedList& Database::addList(const KeyRef& key) {
  Entry* entry = Entry::makeList(key.name, std::make_unique<ds::ChunkedList>().release());
  put(lookupForWrite(key), key, entry);
  return entry->list();
}

bool Database::erase(const KeyRef& key) { return erase(key, keyspace_->shardOf(key.hash).lazyServerDelete()); }

bool Database::erase(const KeyRef& key, bool lazily) {
  const Spot spot = lookupForWrite(key);
  if (!spot.place) return false;
  spot.shard->discard(spot.shard->remove(index_, *spot.table, key.hash, spot.place), lazily);
  return true;
}

Entry* Database::take(const KeyRef& key) {
  const Spot spot = lookupForWrite(key);
  if (!spot.place) return nullptr;
  return spot.shard->remove(index_, *spot.table, key.hash, spot.place);
}

void Database::adopt(const KeyRef& key, Entry* entry) {
  if (!entry->hasKey(key.name)) entry = Entry::rebuild(entry, key.name, entry->expireAt());
  insert(lookupForWrite(key), key, entry);
}

void Database::copyTo(const Entry& from, Database& target, const KeyRef& to) {
  Entry* entry = Entry::copy(from, to.name, from.expireAt());
  entry->setAccess(initialAccess(policy_, now_));
  target.adopt(to, entry);
}

// --- Time to live ---

void Database::setExpireInPlace(const Spot& spot, const KeyRef& key, UnixMs at) {
  Entry& entry = *spot.place.entry();
  if (entry.expireAt() == at) return;
  entry.setExpireInPlace(at);
  spot.shard->expiry(index_).add(key.hash, at);
}

void Database::rebuildWithExpiry(const Spot& spot, const KeyRef& key, UnixMs at) {
  spot.table->beforeChange(key.hash);
  Entry* entry = Entry::rebuild(spot.place.entry(), key.name, at);
  spot.shard->replace(index_, *spot.table, key.hash, spot.place, entry);
}

bool Database::setExpire(const KeyRef& key, UnixMs at) {
  assert(at != 0);
  const Spot spot = lookupForWrite(key);
  if (!spot.place) return false;
  if (spot.place.entry()->takesExpire(at)) {
    spot.table->beforeChange(key.hash);
    setExpireInPlace(spot, key, at);
  } else {
    rebuildWithExpiry(spot, key, at);
    spot.shard->expiry(index_).add(key.hash, at);
  }
  return true;
}

bool Database::persist(const KeyRef& key) {
  const Spot spot = lookupForWrite(key);
  if (!spot.place || !spot.place.entry()->hasExpire()) return false;
  rebuildWithExpiry(spot, key, 0);
  return true;
}

}  // namespace vigil::keyspace
