#include "ds/chunked_list.h"

#include <cassert>
#include <utility>

namespace vigil::ds {
namespace {

constexpr size_t kListpackFrame = 7;  // header and end of a listpack, which Redis counts against its limit

// A chunk that will not grow any more gives back what it does not use, if that is worth a copy.
PackedList sealed(PackedList chunk) {
  if (chunk.memoryUsage() - PackedList::kHeaderSize - chunk.bytes() > chunk.bytes() / 8) chunk.shrinkToFit();
  return chunk;
}

}  // namespace

void ChunkedList::Cursor::moveTo(size_t index) {
  index_ = index;
  chunk_ = nullptr;
  if (index >= list_->size()) return;
  const ChunkPlace place = list_->chunkAt(index);
  chunk_ = place.chunk;
  position_ = chunk_->positionOf(index - place.first);
}

void ChunkedList::Cursor::next() {
  position_ = chunk_->next(position_);
  ++index_;
  if (position_ == chunk_->endPosition()) moveTo(index_);
}

void ChunkedList::Cursor::previous() {
  if (position_ == 0) return moveTo(index_ - 1);  // before the first one: an index that no list has
  position_ = chunk_->previous(position_);
  --index_;
}

// Whether these many may share a chunk. The limit is one of the whole block: a full chunk just fills 8 KiB.
bool ChunkedList::fits(size_t bytes, size_t elements) const {
  return PackedList::kHeaderSize + bytes <= limit_.maxBytes() && elements <= limit_.maxElements();
}

// A list that counts as listpack has one chunk, whatever the block's size is then.
bool ChunkedList::hasRoom(const PackedList& chunk, const Element& element) const {
  return !quicklist_ || fits(chunk.bytes() + listpack::encodedSize(element), chunk.count() + 1);
}

bool ChunkedList::isListpackSize(size_t bytes, size_t elements) const {
  return kListpackFrame + bytes <= limit_.maxBytes() && elements <= limit_.maxElements();
}

// Before a text of this size goes in. Source of the rule: listTypeTryConversionAppend of Redis 7.2, which counts texts
// as they came.
void ChunkedList::noteGrowth(size_t text_bytes) {
  assert(text_bytes <= kMaxElementSize);
  if (!quicklist_ && !isListpackSize(head_.bytes() + text_bytes, head_.count() + 1)) quicklist_ = true;
}

// After a removal that may have left one or two small chunks.
void ChunkedList::settle() {
  if (!tail_.empty()) mergeAt(head_.count());
  if (!tail_.empty()) return;
  const size_t byte_limit = limit_.fill >= 0 ? SIZE_MAX : limit_.maxBytes() / 2;
  if (kListpackFrame + head_.bytes() <= byte_limit && head_.count() <= limit_.maxElements() / 2) quicklist_ = false;
  if (head_.isSparse()) head_.shrinkToFit();
}

// --- reading ---

ChunkedList::ChunkPlace ChunkedList::chunkAt(size_t index) const {
  const size_t before_middle = head_.count();
  if (index < before_middle) return {&head_, 0};
  const size_t before_tail = before_middle + middle_.count();
  if (index >= before_tail) {
    assert(index - before_tail < tail_.count());
    return {&tail_, before_tail};
  }
  const ChunkTree::Place place = middle_.chunkAt(index - before_middle);
  return {place.chunk, before_middle + place.first};
}

Element ChunkedList::at(size_t index) const {
  const ChunkPlace place = chunkAt(index);
  return place.chunk->at(place.chunk->positionOf(index - place.first));
}

std::optional<size_t> ChunkedList::find(const ElementMatcher& matcher) const {
  for (Cursor at = cursorAt(0); at.valid(); at.next()) {
    if (matcher.matches(at.element())) return at.index();
  }
  return std::nullopt;
}

size_t ChunkedList::chunkCount() const {
  return (head_.empty() ? 0u : 1u) + middle_.extent().chunks + (tail_.empty() ? 0u : 1u);
}

size_t ChunkedList::memoryUsage(size_t samples) const {
  const size_t ends = head_.memoryUsage() + tail_.memoryUsage();
  if (middle_.empty()) return ends;
  size_t bytes = 0;
  size_t elements = 0;
  for (size_t sampled = 0; elements < middle_.count() && (samples == 0 || sampled < samples); ++sampled) {
    const PackedList& chunk = *middle_.chunkAt(elements).chunk;
    bytes += chunk.memoryUsage();
    elements += chunk.count();
  }
  const double factor = static_cast<double>(middle_.count()) / static_cast<double>(elements);
  return ends + static_cast<size_t>(static_cast<double>(bytes) * factor) + middle_.extent().node_bytes;
}

// --- chunks ---

// A new chunk that is to be inserted at this index.
PackedList ChunkedList::chunkOf(const Element& element, size_t index) const {
  PackedList chunk;
  const bool at_front = index == 0;
  const size_t room = limit_.maxBytes() - PackedList::kHeaderSize;
  // Where there are many chunks, one more full block is little: at the ends, where it will be filled, it is made at
  // once instead of growing.
  if (!middle_.empty() && (at_front || index == size()) && limit_.fill < 0 &&
      listpack::encodedSize(element) <= room / 8) {
    at_front ? chunk.reserveFront(room) : chunk.reserveBack(room);
  }
  at_front ? chunk.pushFront(element) : chunk.pushBack(element);
  return chunk;
}

void ChunkedList::refillHead() { head_ = middle_.empty() ? std::move(tail_) : middle_.takeFront(); }

void ChunkedList::refillTail() { tail_ = middle_.empty() ? PackedList() : middle_.takeBack(); }

template <typename Edit>
void ChunkedList::editAt(size_t index, Edit edit) {
  const size_t before_middle = head_.count();
  const size_t before_tail = before_middle + middle_.count();
  if (index < before_middle) {
    edit(head_, index);
  } else if (index < before_tail) {
    middle_.edit(index - before_middle, edit);
  } else {
    edit(tail_, index - before_tail);
  }
}

PackedList ChunkedList::takeChunkAt(size_t index) {
  PackedList chunk;
  if (index < head_.count()) {
    chunk = std::move(head_);
    refillHead();
  } else if (index < head_.count() + middle_.count()) {
    chunk = middle_.removeChunk(index - head_.count());
  } else {
    chunk = std::move(tail_);
    refillTail();
  }
  return chunk;
}

// Puts a chunk where one begins or the last one ends.
void ChunkedList::insertChunk(size_t index, PackedList chunk) {
  if (head_.empty()) {
    head_ = std::move(chunk);
  } else if (index == 0) {
    if (tail_.empty()) {
      tail_ = std::move(head_);
    } else {
      middle_.pushFront(sealed(std::move(head_)));
    }
    head_ = std::move(chunk);
  } else if (index == size()) {
    if (!tail_.empty()) middle_.pushBack(sealed(std::move(tail_)));
    tail_ = std::move(chunk);
  } else {
    middle_.insertChunk(index - head_.count(), std::move(chunk));
  }
}

// Joins the chunks before and behind this index, if they fill half a chunk at most.
void ChunkedList::mergeAt(size_t seam) {
  if (seam == 0 || seam >= size()) return;
  const PackedList& left = *chunkAt(seam - 1).chunk;
  const PackedList& right = *chunkAt(seam).chunk;
  if (&left == &right || !fits(2 * (left.bytes() + right.bytes()), 2 * (left.count() + right.count()))) return;
  const PackedList moved = takeChunkAt(seam);
  editAt(seam - 1, [&](PackedList& chunk, size_t) { chunk.append(moved); });
}

void ChunkedList::appendChunk(PackedList chunk) {
  assert(!chunk.empty());
  if (chunk.count() > 1 && !fits(chunk.bytes(), chunk.count())) {
    // Written under a larger limit than ours.
    IntegerText buffer;
    for (PackedList::Position at = 0; at < chunk.endPosition(); at = chunk.next(at)) {
      pushBack(toText(chunk.at(at), buffer));
    }
    return;
  }
  const PackedList& last = lastChunk();
  if (!empty() && fits(2 * (last.bytes() + chunk.bytes()), 2 * (last.count() + chunk.count()))) {
    editAt(size() - 1, [&](PackedList& to, size_t) { to.append(chunk); });
  } else {
    insertChunk(size(), std::move(chunk));
  }
  quicklist_ = !tail_.empty() || !isListpackSize(head_.bytes(), head_.count());
}

bool ChunkedList::dropSome(size_t chunks) {
  if (!middle_.dropSome(chunks)) return false;
  head_ = PackedList();
  tail_ = PackedList();
  return true;
}

// --- writing ---

void ChunkedList::pushFront(std::string_view text) {
  const Element element = listpack::classify(text);
  noteGrowth(text.size());
  if (!head_.empty() && !hasRoom(head_, element)) return insertChunk(0, chunkOf(element, 0));
  head_.pushFront(element);
}

void ChunkedList::pushBack(std::string_view text) {
  const Element element = listpack::classify(text);
  noteGrowth(text.size());
  PackedList& last = tail_.empty() ? head_ : tail_;
  if (!last.empty() && !hasRoom(last, element)) return insertChunk(size(), chunkOf(element, size()));
  last.pushBack(element);
}

void ChunkedList::popFront() {
  head_.popFront();
  if (head_.empty()) refillHead();
  noteRemoval();
}

void ChunkedList::popBack() {
  if (tail_.empty()) {
    head_.popBack();
  } else {
    tail_.popBack();
    if (tail_.empty()) refillTail();
  }
  noteRemoval();
}

// Into the list as it stands, the chunk that has the room first; a full chunk is split.
void ChunkedList::insertElement(size_t index, const Element& element) {
  if (index < size()) {
    const ChunkPlace place = chunkAt(index);
    const bool room = hasRoom(*place.chunk, element);
    if (room || index > place.first) {
      PackedList rest;
      editAt(index, [&](PackedList& chunk, size_t at) {
        if (room) return chunk.insert(chunk.positionOf(at), element);
        rest = chunk.splitOff(at);
      });
      if (room) return;
      insertChunk(index, std::move(rest));
    }
  }
  // Now a chunk ends at the index, or begins there.
  if (index > 0 && hasRoom(*chunkAt(index - 1).chunk, element)) {
    editAt(index - 1, [&](PackedList& chunk, size_t) { chunk.pushBack(element); });
  } else if (index < size() && hasRoom(*chunkAt(index).chunk, element)) {
    editAt(index, [&](PackedList& chunk, size_t) { chunk.pushFront(element); });
  } else {
    insertChunk(index, chunkOf(element, index));
  }
}

void ChunkedList::insert(size_t index, std::string_view text) {
  assert(index <= size());
  if (index == 0) return pushFront(text);
  if (index == size()) return pushBack(text);
  noteGrowth(text.size());
  insertElement(index, listpack::classify(text));
}

void ChunkedList::set(size_t index, std::string_view text) {
  const Element element = listpack::classify(text);
  noteGrowth(text.size());
  const ChunkPlace place = chunkAt(index);
  const PackedList::Position at = place.chunk->positionOf(index - place.first);
  const size_t others = place.chunk->bytes() - (place.chunk->next(at) - at);
  const size_t elements = place.chunk->count();
  if (!quicklist_ || elements == 1 || fits(others + listpack::encodedSize(element), elements)) {
    editAt(index, [&](PackedList& chunk, size_t) { chunk.replace(at, element); });
  } else {
    editAt(index, [&](PackedList& chunk, size_t) { chunk.erase(at, 1); });
    insertElement(index, element);
  }
  if (elements == 1) {  // perhaps a large one that has become small
    mergeAt(place.first + 1);
    mergeAt(place.first);
  }
  noteRemoval();
}

size_t ChunkedList::removeInChunk(const ChunkPlace& place, const ElementMatcher& matcher, size_t limit,
                                  Direction from) {
  const size_t matches = place.chunk->countMatches(matcher);
  const size_t removed = std::min(matches, limit);
  if (removed == 0) return 0;
  if (removed == place.chunk->count()) {
    takeChunkAt(place.first);
  } else {
    const size_t first = from == Direction::kForward ? 0 : matches - removed;
    editAt(place.first, [&](PackedList& chunk, size_t) { chunk.eraseMatches(matcher, first, removed); });
  }
  return removed;
}

size_t ChunkedList::removeMatching(const ElementMatcher& matcher, size_t limit, Direction from) {
  const bool forward = from == Direction::kForward;
  size_t removed = 0;
  size_t border = forward ? 0 : size();  // up to here, in that direction, all is done
  while (removed < limit && (forward ? border < size() : border > 0)) {
    const ChunkPlace place = chunkAt(forward ? border : border - 1);
    const size_t elements = place.chunk->count();
    const size_t removed_here = removeInChunk(place, matcher, limit - removed, from);
    const size_t end = place.first + elements - removed_here;
    removed += removed_here;
    border = forward ? end : place.first;
    // Joined with what is done already, not with what comes.
    if (removed_here > 0 && removed_here < elements) mergeAt(forward ? place.first : end);
  }
  if (removed > 0) noteRemoval();
  return removed;
}

void ChunkedList::eraseFront(size_t elements) {
  assert(elements <= size());
  if (elements >= head_.count()) {
    elements -= head_.count();
    elements -= middle_.dropFront(elements);
    refillHead();
  }
  if (elements > 0 && elements < head_.count()) {
    head_.erase(0, elements);
  } else if (elements > 0) {
    head_ = PackedList();
  }
  noteRemoval();
}

void ChunkedList::eraseBack(size_t elements) {
  assert(elements <= size());
  if (!tail_.empty() && elements >= tail_.count()) {
    elements -= tail_.count();
    elements -= middle_.dropBack(elements);
    refillTail();
  }
  PackedList& last = tail_.empty() ? head_ : tail_;
  if (elements > 0 && elements < last.count()) {
    last.erase(last.positionOf(last.count() - elements), elements);
  } else if (elements > 0) {
    last = PackedList();
  }
  noteRemoval();
}

void ChunkedList::checkInvariants() const {
  head_.checkInvariants();
  middle_.checkInvariants();
  tail_.checkInvariants();
  assert(!tail_.empty() || middle_.empty());
  assert(!head_.empty() || tail_.empty());
  assert(quicklist_ || tail_.empty());
  [[maybe_unused]] size_t seen = 0;
  [[maybe_unused]] size_t chunks = 0;
  for (size_t i = 0; i < size(); ++chunks) {
    const ChunkPlace place = chunkAt(i);
    assert(place.first == i);
    // A list that just ceased to count as listpack may have a chunk a few bytes over the limit.
    assert(place.chunk->count() == 1 || place.chunk->bytes() <= limit_.maxBytes() + listpack::kMaxIntegerEntry);
    assert(place.chunk->count() <= limit_.maxElements());
    i += place.chunk->count();
    seen = i;
  }
  assert(seen == size() && chunks == chunkCount());
}

}  // namespace vigil::ds
