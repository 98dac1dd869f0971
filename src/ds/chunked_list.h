// A list of any length: the value of a Redis list.
//
// Thread safety: a list is used by one thread at a time. snapshot() is a second list that shares everything with the
// first; the two may be read, written and destroyed by two threads at once.
//
// Layout: the chunks at the two ends are held directly, so that pushes and pops touch nothing else; the chunks between
// them hang in a counted B+-tree. A list of one chunk is 40 bytes and that chunk's block.
//
//      head          middle (ChunkTree, by element positions)          tail
//   [ e e e e ]   [ e e e e e ]  [ e e e e ]  ...  [ e e e e e ]   [ e e ]
//
// Invariants: no chunk is empty; without a tail there is no middle; without a head there is nothing. A chunk's block is
// at most maxBytes() large, but for an element that is larger alone, and a list that counts as listpack.
//
// Copy on write: whoever writes copies what is still shared of the one chunk and of the path to it, so that a step
// costs the same however long the list is. What frees much memory can be done in pieces: see dropSome().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ds/chunk_tree.h"
#include "ds/element.h"
#include "ds/packed_list.h"

namespace vigil::ds {

// `list-max-listpack-size`: -1 to -5 limit a chunk to 4, 8, 16, 32, 64 KiB; n > 0 to n elements (and 8 KiB).
struct ChunkLimit {
  int16_t fill = -2;

  size_t maxBytes() const { return fill >= 0 ? 8192 : size_t{4096} << (std::min<int>(-fill, 5) - 1); }
  size_t maxElements() const { return fill < 0 ? SIZE_MAX : static_cast<size_t>(std::max<int>(fill, 1)); }
};

class ChunkedList {
 public:
  // Where LREM begins.
  enum class Direction { kForward, kBackward };

  // Walks over elements: `for (auto at = list.cursorAt(i); at.valid(); at.next()) use(at.element());`. Any change to
  // the list ends it.
  class Cursor {
   public:
    bool valid() const { return chunk_ != nullptr; }
    size_t index() const { return index_; }
    Element element() const { return chunk_->at(position_); }
    void next();
    void previous();

   private:
    friend class ChunkedList;
    Cursor(const ChunkedList* list, size_t index) : list_(list) { moveTo(index); }
    void moveTo(size_t index);

    const ChunkedList* list_;
    const PackedList* chunk_ = nullptr;
    size_t index_ = 0;
    PackedList::Position position_ = 0;
  };

  // The longest element in bytes.
  static constexpr size_t kMaxElementSize = 0xFFF00000;

  explicit ChunkedList(ChunkLimit limit = {}) : limit_(limit) {}
  ChunkedList(ChunkedList&&) noexcept = default;
  ChunkedList& operator=(ChunkedList&&) noexcept = default;
  ~ChunkedList() = default;

  // A copy in O(1) which shares all that neither side changes.
  ChunkedList snapshot() const { return ChunkedList(*this); }

  ChunkLimit limit() const { return limit_; }
  size_t size() const { return head_.count() + middle_.count() + tail_.count(); }
  bool empty() const { return head_.empty(); }

  // How OBJECT ENCODING names the list, by the rule of 7.2: it becomes "quicklist" when it outgrows the limit, and
  // "listpack" again (true here) once it is a single chunk of at most half the limit.
  bool isSingleChunk() const { return !quicklist_; }

  // --- reading; an index must be below size() ---
  Element front() const { return head_.front(); }
  Element back() const { return lastChunk().back(); }
  Element at(size_t index) const;
  Cursor cursorAt(size_t index) const { return Cursor(this, index); }  // not valid() if there is no such element
  // The first match from the front.
  std::optional<size_t> find(const ElementMatcher& matcher) const;

  // --- writing; texts must not view bytes of this list, and be at most kMaxElementSize long ---
  void pushFront(std::string_view text);
  void pushBack(std::string_view text);
  void popFront();  // not of an empty list
  void popBack();
  void set(size_t index, std::string_view text);
  void insert(size_t index, std::string_view text);  // the element will have this index: 0 to size()
  // Erases up to `limit` matches, the nearest to that end first; returns how many.
  size_t removeMatching(const ElementMatcher& matcher, size_t limit, Direction from);
  // Erase that many elements; whole subtrees at once. To free what goes in pieces, take a snapshot() before and drop
  // that with dropSome(): what only the snapshot still holds is freed there.
  void eraseFront(size_t elements);
  void eraseBack(size_t elements);

  // --- in pieces: saving, loading, freeing ---
  // The chunk that holds an element and the index of its first one. All chunks in turn:
  // `for (size_t i = 0; i < list.size(); i += list.chunkAt(i).chunk->count())`.
  struct ChunkPlace {
    const PackedList* chunk;
    size_t first;
  };
  ChunkPlace chunkAt(size_t index) const;
  size_t chunkCount() const;
  // Whether a chunk is one element over the limit, which RDB files hold as plain string.
  bool isPlain(const PackedList& chunk) const { return chunk.count() == 1 && !fits(chunk.bytes(), 1); }
  // Adds a chunk as a file holds it at the end; not empty.
  void appendChunk(PackedList chunk);
  // Frees about `chunks` chunks; returns true when none is left. Between calls the list may only be destroyed.
  bool dropSome(size_t chunks);

  // Bytes of heap, shared ones counted in full: from the sizes of that many chunks (0: of all), as MEMORY USAGE does.
  size_t memoryUsage(size_t samples = 0) const;

  // Asserts what this header promises; walks over everything.
  void checkInvariants() const;

 private:
  ChunkedList(const ChunkedList&) = default;

  const PackedList& lastChunk() const { return tail_.empty() ? head_ : tail_; }
  bool fits(size_t bytes, size_t elements) const;
  bool hasRoom(const PackedList& chunk, const Element& element) const;
  bool isListpackSize(size_t bytes, size_t elements) const;
  void noteGrowth(size_t text_bytes);
  void noteRemoval() {
    if (middle_.empty()) settle();
  }
  void settle();
  PackedList chunkOf(const Element& element, size_t index) const;
  void refillHead();
  void refillTail();
  template <typename Edit>
  void editAt(size_t index, Edit edit);
  PackedList takeChunkAt(size_t index);
  void insertChunk(size_t index, PackedList chunk);
  void insertElement(size_t index, const Element& element);
  void mergeAt(size_t seam);
  size_t removeInChunk(const ChunkPlace& place, const ElementMatcher& matcher, size_t limit, Direction from);

  PackedList head_;
  ChunkTree middle_;
  PackedList tail_;
  ChunkLimit limit_;
  bool quicklist_ = false;
};

}  // namespace vigil::ds
