// A sequence of small elements in one heap block, each encoded as an entry of a listpack: a chunk of a list, and the
// compact form of any small collection.
//
// Thread safety: as a std::string, except that copies share one block whose count is atomic: copies may be read and
// dropped in any threads. A block is written only while one handle holds it; every mutator first makes the block this
// handle's own, by copying it if it is shared. So a copy is an O(1) frozen version.
//
// Layout: a handle is one pointer (null: empty) to one block. The gaps at either end make pushes and pops at both ends
// O(1); entries() between them are a listpack's bytes without its header and its end, so that a file writer emits
// them verbatim.
//
//   +------+----------+-------+------+-------+-----------+------------------+----------+
//   | refs | capacity | begin | used | count | front gap | entries          | back gap |
//   +------+----------+-------+------+-------+-----------+------------------+----------+
//   0      4          8       12     16      20          20 + begin         + used     20 + capacity
//
// Blocks grow by the size classes that allocators have anyway (four to a power of two), so a small list is tight and
// growth is geometric all the same. A list that grows at one end only has all its gap there.
//
// Errors: none but in fromEntries(); positions and indexes out of range are asserted. At most kMaxBytes bytes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "ds/element.h"

namespace vigil::ds {

class PackedList {
 public:
  // Where an entry begins, in bytes from the first one's beginning; endPosition() is behind the last. Every change
  // but one behind it invalidates a position.
  using Position = uint32_t;

  static constexpr size_t kHeaderSize = 20;
  static constexpr size_t kMaxBytes = 0xFFFF0000;

  PackedList() noexcept = default;
  PackedList(const PackedList& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  PackedList(PackedList&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  PackedList& operator=(PackedList other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~PackedList() { drop(); }

  // Takes over entries from a file or a peer. The bytes may be hostile; the message names the offset of the damage.
  static Result<PackedList> fromEntries(std::string_view entries);

  size_t count() const { return block_ != nullptr ? block_->count : 0; }
  bool empty() const { return count() == 0; }
  size_t bytes() const { return block_ != nullptr ? block_->used : 0; }
  std::string_view entries() const { return {begin(), bytes()}; }
  bool isUnique() const { return block_ == nullptr || block_->refs.load(std::memory_order_acquire) == 1; }

  // Bytes of heap behind this handle, counted in full even if they are shared.
  size_t memoryUsage() const { return block_ != nullptr ? kHeaderSize + block_->capacity : 0; }

  // --- reading ---
  Position endPosition() const { return static_cast<Position>(bytes()); }
  Position next(Position at) const;
  Position previous(Position at) const;     // at > 0
  Position positionOf(size_t index) const;  // index <= count(); walks from the nearer end
  Element at(Position position) const;
  Element front() const { return at(0); }
  Element back() const { return at(previous(endPosition())); }
  size_t countMatches(const ElementMatcher& matcher) const;

  // --- writing ---
  // An element to be stored must not view bytes of this very list.
  void pushFront(const Element& element);
  void pushBack(const Element& element);
  void popFront();
  void popBack();
  void insert(Position before, const Element& element);
  void replace(Position at, const Element& element);
  void erase(Position from, size_t elements);
  // Of the matching elements, counted from the front, erases numbers first to first + elements - 1.
  void eraseMatches(const ElementMatcher& matcher, size_t first, size_t elements);
  void append(const PackedList& other);
  PackedList splitOff(size_t index);  // takes the elements from index on

  // Makes the gap before (behind) the entries at least this big.
  void reserveFront(size_t bytes) { makeRoom(bytes, 0); }
  void reserveBack(size_t bytes) { makeRoom(0, bytes); }
  // Gives back the gaps, unless the block is shared or nothing would be gained.
  void shrinkToFit();
  // True if pops have left the block so empty that shrinkToFit() is worth its copy.
  bool isSparse() const { return block_ != nullptr && block_->capacity >= 128 && block_->used < block_->capacity / 4; }

  // Asserts that block and entries agree.
  void checkInvariants() const;

 private:
  struct Block {
    std::atomic<uint32_t> refs;
    uint32_t capacity;
    uint32_t begin;
    uint32_t used;
    uint32_t count;
    char* bytes() { return reinterpret_cast<char*>(this + 1); }
    char* entries() { return bytes() + begin; }
    size_t frontGap() const { return begin; }
    size_t backGap() const { return capacity - begin - used; }
  };
  static_assert(sizeof(Block) == kHeaderSize);

  static Block* allocate(size_t capacity);
  static size_t roundedCapacity(size_t bytes);
  const char* begin() const { return block_ != nullptr ? block_->entries() : nullptr; }
  void drop();
  void unshare() { makeRoom(0, 0); }
  void makeRoom(size_t front, size_t back) {
    if (block_ == nullptr || block_->frontGap() < front || block_->backGap() < back || !isUnique()) {
      relocate(front, back);
    }
  }
  void relocate(size_t front, size_t back);
  void moveTo(size_t capacity, size_t begin);
  char* openGap(Position at, size_t bytes);
  void closeGap(Position at, size_t bytes);

  Block* block_ = nullptr;
};

}  // namespace vigil::ds
