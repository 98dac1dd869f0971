#include "ds/packed_list.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <new>
#include <string>

#include "ds/heap.h"

namespace vigil::ds {

PackedList::Block* PackedList::allocate(size_t capacity) {
  assert(capacity <= UINT32_MAX);
  return new (allocateBytes(kHeaderSize + capacity))
      Block{.refs = 1, .capacity = static_cast<uint32_t>(capacity), .begin = 0, .used = 0, .count = 0};
}

// The capacity with which the block just fills a size class of the allocator: multiples of 16, from 128 on four
// classes to a power of two; very large blocks are whole pages anyway.
size_t PackedList::roundedCapacity(size_t bytes) {
  const size_t total = bytes + kHeaderSize;
  const size_t step = total <= 128 ? 16 : std::min<size_t>(std::bit_floor(total - 1) / 4, 4096);
  return (total + step - 1) / step * step - kHeaderSize;
}

void PackedList::drop() {
  if (block_ == nullptr) return;
  // Nobody can add a reference to a block that only this handle holds, so the last one out needs no atomic write.
  if (isUnique() || block_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) freeBytes(block_);
  block_ = nullptr;
}

// Brings the entries into a block of our own with this capacity, `begin` bytes behind its beginning.
void PackedList::moveTo(size_t capacity, size_t begin) {
  if (block_ != nullptr && block_->capacity == capacity && isUnique()) {
    std::memmove(block_->bytes() + begin, block_->entries(), block_->used);
    block_->begin = static_cast<uint32_t>(begin);
    return;
  }
  Block* moved = allocate(capacity);
  moved->begin = static_cast<uint32_t>(begin);
  if (block_ != nullptr) {
    moved->used = block_->used;
    moved->count = block_->count;
    std::memcpy(moved->entries(), block_->entries(), block_->used);
  }
  drop();
  block_ = moved;
}

// What one end does not need goes to the end that asks, except that an end which has been growing too keeps up to half
// of the free bytes: pushes at alternating ends would otherwise move the entries each time.
void PackedList::relocate(size_t front, size_t back) {
  if (block_ == nullptr) {
    moveTo(roundedCapacity(front + back), 0);
    block_->begin = static_cast<uint32_t>(block_->capacity - back);
    if (front == 0) block_->begin = 0;
    return;
  }
  if (block_->frontGap() >= front && block_->backGap() >= back) return moveTo(block_->capacity, block_->begin);
  const size_t needed = block_->used + front + back;
  assert(needed <= kMaxBytes);
  size_t capacity = block_->capacity;
  // Sliding inside a nearly full block would be due again after a few pushes: it grows instead.
  if (needed > capacity || capacity - needed < block_->used / 16) {
    capacity = std::max<size_t>(capacity, roundedCapacity(needed + (needed > capacity ? 0 : block_->used / 16)));
  }
  const size_t free = capacity - needed;
  const bool at_front = block_->frontGap() < front;
  const size_t other_gap = at_front ? block_->backGap() : block_->frontGap();
  const size_t kept = std::min(other_gap, free / 2);
  moveTo(capacity, at_front ? capacity - back - kept - block_->used : front + kept);
}

void PackedList::shrinkToFit() {
  if (block_ == nullptr || !isUnique()) return;
  if (block_->count == 0) return drop();
  const size_t capacity = roundedCapacity(block_->used);
  if (capacity < block_->capacity) moveTo(capacity, 0);
}

PackedList::Position PackedList::next(Position at) const {
  assert(at < bytes());
  return at + static_cast<Position>(listpack::sizeTrusted(begin() + at));
}

PackedList::Position PackedList::previous(Position at) const {
  assert(at > 0 && at <= bytes());
  return at - static_cast<Position>(listpack::sizeBefore(begin(), begin() + at));
}

PackedList::Position PackedList::positionOf(size_t index) const {
  assert(index <= count());
  if (index <= count() / 2) {
    Position at = 0;
    for (; index > 0; --index) at = next(at);
    return at;
  }
  Position at = endPosition();
  for (size_t left = count() - index; left > 0; --left) at = previous(at);
  return at;
}

Element PackedList::at(Position position) const {
  assert(position < bytes());
  return listpack::decodeTrusted(begin() + position).value;
}

size_t PackedList::countMatches(const ElementMatcher& matcher) const {
  const char* const last = begin() + bytes();
  size_t matches = 0;
  for (const char* at = begin(); at != last;) {
    const listpack::Decoded entry = listpack::decodeTrusted(at);
    matches += matcher.matches(entry.value) ? 1 : 0;
    at += entry.size;
  }
  return matches;
}

void PackedList::pushFront(const Element& element) {
  const auto size = static_cast<uint32_t>(listpack::encodedSize(element));
  makeRoom(size, 0);
  block_->begin -= size;
  block_->used += size;
  block_->count++;
  listpack::encode(element, block_->entries());
}

void PackedList::pushBack(const Element& element) {
  const auto size = static_cast<uint32_t>(listpack::encodedSize(element));
  makeRoom(0, size);
  listpack::encode(element, block_->entries() + block_->used);
  block_->used += size;
  block_->count++;
}

void PackedList::popFront() {
  assert(!empty());
  unshare();
  const Position size = next(0);
  block_->begin += size;
  block_->used -= size;
  block_->count--;
}

void PackedList::popBack() {
  assert(!empty());
  unshare();
  block_->used = previous(endPosition());
  block_->count--;
}

// Makes `bytes` bytes of the entries' range free at a position, moving the shorter side.
char* PackedList::openGap(Position at, size_t bytes) {
  if (at < this->bytes() / 2) {
    makeRoom(bytes, 0);
    std::memmove(block_->entries() - bytes, block_->entries(), at);
    block_->begin -= static_cast<uint32_t>(bytes);
  } else {
    makeRoom(0, bytes);
    char* const from = block_->entries() + at;
    std::memmove(from + bytes, from, block_->used - at);
  }
  block_->used += static_cast<uint32_t>(bytes);
  return block_->entries() + at;
}

// Takes bytes out of the entries' range, moving the shorter side.
void PackedList::closeGap(Position at, size_t bytes) {
  unshare();
  char* const from = block_->entries() + at;
  const size_t behind = block_->used - at - bytes;
  if (at < behind) {
    std::memmove(block_->entries() + bytes, block_->entries(), at);
    block_->begin += static_cast<uint32_t>(bytes);
  } else {
    std::memmove(from, from + bytes, behind);
  }
  block_->used -= static_cast<uint32_t>(bytes);
}

void PackedList::insert(Position before, const Element& element) {
  assert(before <= bytes());
  listpack::encode(element, openGap(before, listpack::encodedSize(element)));
  block_->count++;
}

void PackedList::replace(Position at, const Element& element) {
  const size_t old_size = next(at) - at;
  const size_t new_size = listpack::encodedSize(element);
  if (new_size > old_size) {
    openGap(at, new_size - old_size);
  } else {
    closeGap(at, old_size - new_size);
  }
  listpack::encode(element, block_->entries() + at);
}

void PackedList::erase(Position from, size_t elements) {
  Position to = from;
  for (size_t i = 0; i < elements; ++i) to = next(to);
  closeGap(from, to - from);
  block_->count -= static_cast<uint32_t>(elements);
}

void PackedList::eraseMatches(const ElementMatcher& matcher, size_t first, size_t elements) {
  // Into a new block, run by run: erasing in place would move the rest once per element.
  PackedList kept;
  kept.block_ = allocate(bytes());
  char* out = kept.block_->bytes();
  const char* const last = begin() + bytes();
  const char* run = begin();
  size_t match = 0;
  size_t erased = 0;
  for (const char* at = begin(); at != last;) {
    const listpack::Decoded entry = listpack::decodeTrusted(at);
    if (erased < elements && matcher.matches(entry.value) && match++ >= first) {
      out = std::copy(run, at, out);
      run = at + entry.size;
      erased++;
    }
    at += entry.size;
  }
  out = std::copy(run, last, out);
  kept.block_->used = static_cast<uint32_t>(out - kept.block_->bytes());
  kept.block_->count = static_cast<uint32_t>(count() - erased);
  kept.shrinkToFit();
  *this = std::move(kept);
}

void PackedList::append(const PackedList& other) {
  if (other.empty()) return;
  const PackedList source = other;  // keeps the block alive if `other` is this very list
  makeRoom(0, source.bytes());
  std::memcpy(block_->entries() + block_->used, source.begin(), source.bytes());
  block_->used += static_cast<uint32_t>(source.bytes());
  block_->count += static_cast<uint32_t>(source.count());
}

PackedList PackedList::splitOff(size_t index) {
  PackedList rest;
  if (index == count()) return rest;
  const Position from = positionOf(index);
  const std::string_view moved = entries().substr(from);
  rest.makeRoom(0, moved.size());
  std::memcpy(rest.block_->entries(), moved.data(), moved.size());
  rest.block_->used = static_cast<uint32_t>(moved.size());
  rest.block_->count = static_cast<uint32_t>(count() - index);
  unshare();
  block_->used = from;
  block_->count = static_cast<uint32_t>(index);
  if (index == 0) drop();
  return rest;
}

Result<PackedList> PackedList::fromEntries(std::string_view entries) {
  if (entries.size() > kMaxBytes)
    return fail("packed list of " + std::to_string(entries.size()) + " bytes is too large");
  uint32_t count = 0;
  for (size_t at = 0; at < entries.size(); ++count) {
    const size_t size = listpack::decode(entries.data() + at, entries.data() + entries.size()).size;
    if (size == 0) return fail("damaged listpack entry at offset " + std::to_string(at));
    at += size;
  }
  PackedList list;
  if (entries.empty()) return list;
  list.makeRoom(0, entries.size());
  std::memcpy(list.block_->entries(), entries.data(), entries.size());
  list.block_->used = static_cast<uint32_t>(entries.size());
  list.block_->count = count;
  return list;
}

void PackedList::checkInvariants() const {
  if (block_ == nullptr) return;
  assert(static_cast<size_t>(block_->begin) + block_->used <= block_->capacity);
  [[maybe_unused]] size_t seen = 0;
  for (Position at = 0; at < bytes(); ++seen) {
    const size_t size = listpack::decode(begin() + at, begin() + bytes()).size;
    assert(size > 0);
    at += static_cast<Position>(size);
  }
  assert(seen == count());
}

}  // namespace vigil::ds
