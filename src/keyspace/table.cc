#include "keyspace/table.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <vector>

namespace vigil::keyspace {

namespace {

// The next number when counting with the bits under `mask` reversed, so that the high bits count fastest: whichever
// way the table is resized, buckets that were visited stay visited.
uint64_t nextReversed(uint64_t cursor, uint64_t mask) {
  auto reverse = [](uint64_t v) {
    v = ((v >> 1) & 0x5555555555555555) | ((v & 0x5555555555555555) << 1);
    v = ((v >> 2) & 0x3333333333333333) | ((v & 0x3333333333333333) << 2);
    v = ((v >> 4) & 0x0f0f0f0f0f0f0f0f) | ((v & 0x0f0f0f0f0f0f0f0f) << 4);
    return std::byteswap(v);
  };
  return reverse(reverse(cursor | ~mask) + 1);
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

Table::Table(const uint32_t& epoch, Preserver& preserver, KeyHash hash)
    : epoch_(&epoch), preserver_(&preserver), hash_(hash), current_(1) {
  current_.reset(0, epoch);
  show();
}

Table::~Table() {
  forEach([](const Entry& entry) { Entry::free(const_cast<Entry*>(&entry)); });
}

void Table::preserve(Bucket& bucket) {
  preserver_->preserve(*this, bucket);
  bucket.version = *epoch_;
}

void Table::eachEntry(const Bucket& bucket, const std::function<void(const Entry&)>& visit) const {
  const BucketArray& array = current_.contains(bucket) ? current_ : previous_;
  array.eachSlot(bucket, [&](uint64_t slot) { visit(*entryAt(slot)); });
}

// --- Changes ---

void Table::insert(uint64_t hash, Entry* entry) {
  if (rehashing()) {
    moveRegion();
  } else if (size_ >= current_.size() * kGrowPerBucket) {
    startResize(current_.size() * 2);
  }
  BucketArray& array = arrayOf(hash);
  Bucket& head = array[hash & array.mask()];
  beforeChange(head);
  array.put(head, makeSlot(hash, entry));
  ++size_;
  withExpiry_ += entry->hasExpire();
}

Entry* Table::replace(uint64_t hash, Place place, Entry* entry) {
  beforeChange(hash);
  const uint64_t slot = place.bucket->slots[place.slot];
  Entry* old = entryAt(slot);
  withExpiry_ += entry->hasExpire();
  withExpiry_ -= (slot & kTtlBit) != 0;  // the old entry may be gone already
  storeSlot(place.bucket->slots[place.slot], makeSlot(hash, entry));
  return old;
}

Entry* Table::remove(uint64_t hash, Place place) {
  BucketArray& array = arrayOf(hash);
  Bucket& head = array[hash & array.mask()];
  beforeChange(head);
  Entry* entry = place.entry();
  array.erase(head, *place.bucket, place.slot);
  --size_;
  withExpiry_ -= entry->hasExpire();
  rehashStep(1);
  return entry;
}

void Table::reserve(size_t entries) {
  if (size_ != 0) return;
  size_t buckets = std::bit_ceil(entries / kGrowPerBucket + 1);
  if (buckets <= current_.size() && !rehashing()) return;
  BucketArray dropped[] = {std::move(previous_), std::move(current_)};
  current_ = BucketArray(buckets);
  for (size_t i = 0; i < buckets; ++i) current_.reset(i, *epoch_);
  show();
  for (BucketArray& array : dropped) preserver_->retire(std::move(array));
}

// --- Resizing ---

void Table::show() {
  shownMoved_.store(moved_, std::memory_order_relaxed);
  shownPrevious_.store(shown(previous_));
  shownCurrent_.store(shown(current_));
}

void Table::startResize(size_t buckets) {
  previous_ = std::move(current_);
  current_ = BucketArray(buckets);
  moved_ = 0;
  show();
}

bool Table::rehashStep(size_t regions) {
  if (!rehashing()) {
    if (current_.size() == 1 || size_ >= current_.size() * kShrinkPerBucket) return false;
    startResize(current_.size() / 2);
  }
  for (; regions > 0 && rehashing(); --regions) moveRegion();
  return rehashing() || (current_.size() > 1 && size_ < current_.size() * kShrinkPerBucket);
}

void Table::moveRegion() {
  const size_t regions = smallMask() + 1;
  const size_t region = moved_;
  if (current_.size() > regions) {
    current_.reset(region, previous_[region].version);
    current_.reset(region + regions, previous_[region].version);
    moveBucket(previous_[region]);
  } else {
    Bucket& low = previous_[region];
    Bucket& high = previous_[region + regions];
    if (low.version != high.version) {
      beforeChange(low);
      beforeChange(high);
    }
    current_.reset(region, low.version);
    moveBucket(low);
    moveBucket(high);
  }
  if (++moved_ == regions) {
    BucketArray dropped = std::move(previous_);
    moved_ = 0;
    show();
    preserver_->retire(std::move(dropped));
  } else {
    shownMoved_.store(moved_, std::memory_order_relaxed);
    // The keys of the next region will be hashed soon, and the bucket of the one after it will tell its keys.
    for (uint64_t slot : previous_[moved_].slots) prefetchEntryAt(slot);
    if (moved_ + 1 < regions) prefetch(&previous_[moved_ + 1]);
  }
}

void Table::moveBucket(Bucket& from) {
  previous_.eachSlot(
      from, [this](uint64_t slot) { current_.put(current_[hash_(entryAt(slot)->key()) & current_.mask()], slot); });
  previous_.clear(from);
}

// --- Walks ---

template <typename Visit>
uint64_t Table::walk(uint64_t cursor, Visit visit) const {
  const size_t mask = smallMask();
  const BucketArray& array = arrayOf(cursor);
  visit(array[cursor & mask]);
  if (array.mask() != mask) visit(array[(cursor & mask) + mask + 1]);
  return nextReversed(cursor, mask);
}

uint64_t Table::scan(uint64_t cursor, const std::function<void(const Entry&)>& visit) const {
  return walk(cursor, [&](const Bucket& bucket) { eachEntry(bucket, visit); });
}

void Table::forEach(const std::function<void(const Entry&)>& visit) const {
  for (uint64_t cursor = scan(0, visit); cursor != 0;) cursor = scan(cursor, visit);
}

void Table::eachBucket(const std::function<void(size_t entries)>& visit) const {
  const auto count = [&](const Bucket& bucket) {
    size_t entries = 0;
    eachEntry(bucket, [&entries](const Entry&) { ++entries; });
    visit(entries);
  };
  for (uint64_t cursor = walk(0, count); cursor != 0;) cursor = walk(cursor, count);
}

uint64_t Table::preserveStep(uint64_t cursor) {
  return walk(cursor, [this](Bucket& bucket) { beforeChange(bucket); });
}

Entry* Table::randomEntry(const std::function<uint64_t()>& random) const {
  if (size_ == 0) return nullptr;
  // Each try is one of so many positions of a chain, so that entries of full and of sparse buckets are equally likely.
  constexpr size_t kPositions = 2 * Bucket::kSlots;
  constexpr int kTries = 64;
  std::vector<Entry*> found;
  auto collect = [&](uint64_t hash) {
    found.clear();
    const BucketArray& array = arrayOf(hash);
    array.eachSlot(array[hash & array.mask()], [&](uint64_t slot) { found.push_back(entryAt(slot)); });
  };
  for (int i = 0; i < kTries; ++i) {
    collect(random());
    if (found.empty()) continue;
    const size_t position = static_cast<size_t>(random() % std::max(kPositions, found.size()));
    if (position < found.size()) return found[position];
  }
  // A sparse table: whatever comes next.
  for (uint64_t at = random();; ++at) {
    collect(at);
    if (!found.empty()) return found[random() % found.size()];
  }
}

uint64_t Table::sample(uint64_t start, size_t count, size_t most, bool expiring,
                       const std::function<void(const Entry&)>& visit) const {
  constexpr size_t kAtOnce = 64;  // more than a chain has, nearly always
  const Entry* found[kAtOnce];
  const uint64_t wanted = expiring ? kTtlBit : kAddressMask;
  const size_t mask = smallMask();
  most = std::min(most, mask + 1);
  size_t seen = 0;
  for (; seen < count && most > 0; --most, ++start) {
    size_t here = 0;
    auto collect = [&](uint64_t slot) {
      if ((slot & wanted) == 0 || here == kAtOnce) return;
      found[here] = entryAt(slot);
      prefetch(found[here++]);
    };
    const size_t region = start & mask;
    const BucketArray& array = arrayOf(region);
    array.eachSlot(array[region], collect);
    if (array.mask() != mask) array.eachSlot(array[region + mask + 1], collect);
    for (size_t i = 0; i < here; ++i) visit(*found[i]);
    seen += here;
  }
  return start;
}

Table::Place Table::findHash(uint64_t hash) const {
  const BucketArray& array = arrayOf(hash);
  for (Bucket* bucket = &array[hash & array.mask()];; bucket = &array.overflowAt(bucket->overflow)) {
    for (uint32_t found = slotsWithTag(*bucket, hash >> kTagShift); found != 0; found &= found - 1) {
      const int i = std::countr_zero(found);
      const uint64_t slot = bucket->slots[i];
      if (slot != 0 && hash_(entryAt(slot)->key()) == hash) return {bucket, i};
    }
    if (bucket->overflow == 0) return {};
  }
}

void Table::visitExpiring(uint32_t hashLow, const std::function<void(const Entry&)>& visit) const {
  std::vector<const Entry*> found;
  const BucketArray& array = arrayOf(hashLow);
  array.eachSlot(array[hashLow & array.mask()], [&](uint64_t slot) {
    if ((slot & kTtlBit) == 0) return;
    const Entry* entry = entryAt(slot);
    if (static_cast<uint32_t>(hash_(entry->key())) == hashLow) found.push_back(entry);
  });
  for (const Entry* entry : found) visit(*entry);
}

// --- Checking ---

void Table::checkBucket(const BucketArray& array, size_t index, size_t& entries, size_t& expiring) const {
  const Bucket& head = array[index];
  require(head.version <= *epoch_);
  for (const Bucket* bucket = &head; bucket->overflow != 0; bucket = &array.overflowAt(bucket->overflow)) {
    for (uint64_t slot : bucket->slots) require(slot != 0);
  }
  array.eachSlot(head, [&](uint64_t slot) {
    const Entry* entry = entryAt(slot);
    const uint64_t hash = hash_(entry->key());
    require((hash & array.mask()) == index);
    require(slot == makeSlot(hash, entry));
    ++entries;
    expiring += entry->hasExpire();
  });
}

void Table::checkInvariants() const {
  size_t entries = 0;
  size_t expiring = 0;
  uint64_t cursor = 0;
  do {
    cursor = walk(cursor, [&](const Bucket& bucket) {
      const BucketArray& array = current_.contains(bucket) ? current_ : previous_;
      checkBucket(array, static_cast<size_t>(&bucket - &array[0]), entries, expiring);
    });
  } while (cursor != 0);
  require(entries == size_);
  require(expiring == withExpiry_);
}

}  // namespace vigil::keyspace
