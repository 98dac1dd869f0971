// The string half of Database: where a value fits into the entry that is there, nothing is allocated and no slot moves.
#include <algorithm>
#include <cstring>

#include "base/decimal.h"
#include "base/text.h"
#include "keyspace/database.h"
#include "keyspace/keyspace.h"

namespace vigil::keyspace {

namespace {

// Most strings are no numbers: see so without a call.
bool mayBeNumber(std::string_view value) {
  if (value.empty() || value.size() > kMaxDecimal) return false;
  const char first = value[0];
  return (first >= '0' && first <= '9') || first == '-';
}

}  // namespace

UnixMs Database::expiryFor(const Spot& spot, Ttl ttl, UnixMs expireAt) const {
  if (ttl == Ttl::kClear) return expireAt;
  return spot.place ? spot.place.entry()->expireAt() : 0;
}

void Database::setString(const KeyRef& key, std::string_view value, Ttl ttl, UnixMs expireAt) {
  if (mayBeNumber(value)) {
    if (auto number = parseInt64(value)) {
      const Spot spot = lookupForWrite(key);
      return setNumberUntil(spot, key, *number, expiryFor(spot, ttl, expireAt));
    }
  }
  setText(key, value, ttl, expireAt);
}

void Database::setText(const KeyRef& key, std::string_view value, Ttl ttl, UnixMs expireAt) {
  const Spot spot = lookupForWrite(key);
  const UnixMs at = expiryFor(spot, ttl, expireAt);
  if (Entry* entry = spot.entry()) {
    if (entry->encoding() == Entry::Encoding::kInline && entry->hasExpire() == (at != 0)) {
      spot.table->beforeChange(key.hash);
      if (entry->assignInline(value)) {
        if (at != 0) setExpireInPlace(spot, key, at);
        touch(*entry);
        return;
      }
    }
  }
  put(spot, key, Entry::makeString(key.name, value, at));
}

void Database::setNumber(const KeyRef& key, int64_t value, Ttl ttl) { setNumber(lookupForWrite(key), key, value, ttl); }

void Database::setNumber(const Spot& spot, const KeyRef& key, int64_t value, Ttl ttl) {
  setNumberUntil(spot, key, value, expiryFor(spot, ttl, 0));
}

void Database::setNumberUntil(const Spot& spot, const KeyRef& key, int64_t value, UnixMs at) {
  if (Entry* entry = spot.entry(); entry != nullptr && entry->isInt() && entry->takesNumber(value, at)) {
    spot.table->beforeChange(key.hash);
    entry->setNumber(value);
    if (at != 0) setExpireInPlace(spot, key, at);
    touch(*entry);
    return;
  }
  put(spot, key, Entry::makeInt(key.name, value, at));
}

void Database::setBuffer(const KeyRef& key, ds::SharedBuffer value, Ttl ttl) {
  const Spot spot = lookupForWrite(key);
  const UnixMs at = expiryFor(spot, ttl, 0);
  Entry* entry = value.size() <= Entry::kMaxInline ? Entry::makeString(key.name, value.view(), at)
                                                   : Entry::makeBuffer(key.name, std::move(value), at);
  entry->setEdited();
  put(spot, key, entry);
}

std::span<char> Database::editString(const KeyRef& key, size_t size) {
  const Spot spot = lookupForWrite(key);
  Entry* entry = spot.entry();
  if (entry == nullptr) {
    entry = Entry::makeEditable(key.name, size);
    put(spot, key, entry);
    return entry->edit(size);
  }
  spot.table->beforeChange(key.hash);
  if (!entry->isInt()) {
    const std::span<char> bytes = entry->edit(size);
    if (bytes.data() != nullptr) {
      touch(*entry);
      return bytes;
    }
  }
  Entry::Scratch scratch;
  const std::string_view value = entry->stringValue(scratch);
  Entry* grown = Entry::makeEditable(key.name, std::max(size, value.size()), entry->expireAt());
  const std::span<char> bytes = grown->edit(0);
  std::memcpy(bytes.data(), value.data(), value.size());
  put(spot, key, grown);
  return bytes;
}

size_t Database::appendString(const KeyRef& key, std::string_view tail) {
  const Spot spot = lookupForWrite(key);
  Entry* entry = spot.entry();
  if (entry == nullptr) {
    setString(key, tail);
    return tail.size();
  }
  if (entry->encoding() == Entry::Encoding::kBuffer) {
    spot.table->beforeChange(key.hash);
    entry->buffer().append(tail);
    entry->setEdited();
    touch(*entry);
    return entry->buffer().size();
  }
  const size_t old = entry->stringSize();
  const std::span<char> bytes = editString(key, old + tail.size());
  std::memcpy(bytes.data() + old, tail.data(), tail.size());
  return bytes.size();
}

}  // namespace vigil::keyspace
