// A reference-counted byte buffer for large string values: the keyspace, replies in flight and the command log hold the
// same bytes without copying them.
//
// Thread safety: handles to one block may live in different threads (the count is atomic); one handle is not to be used
// by two threads at once. A block is written only while a single handle holds it: every mutator first makes the block
// this handle's own, by copying it if it is shared, so whoever holds another handle never sees a change.
//
// Layout: a handle is one pointer (null: the empty buffer) to one heap block:
//
//   +------+----------+------+----------+-----------------------+- - - - - -+
//   | refs | (unused) | size | capacity | size bytes            | free      |
//   +------+----------+------+----------+-----------------------+- - - - - -+
//   0      4          8      16         24                      24 + size   24 + capacity
//
// Growth is that of Redis's sds: room for twice the new size below 1 MiB, for 1 MiB more above it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace vigil::ds {

class SharedBuffer {
 public:
  static constexpr size_t kMaxPreallocation = 1024 * 1024;

  SharedBuffer() noexcept = default;
  explicit SharedBuffer(std::string_view bytes);  // capacity is exactly the size
  SharedBuffer(const SharedBuffer& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  SharedBuffer(SharedBuffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedBuffer& operator=(SharedBuffer other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBuffer() { drop(); }

  size_t size() const { return block_ != nullptr ? block_->size : 0; }
  bool empty() const { return size() == 0; }
  size_t capacity() const { return block_ != nullptr ? block_->capacity : 0; }
  const char* data() const { return block_ != nullptr ? block_->bytes() : nullptr; }
  std::string_view view() const { return {data(), size()}; }

  // True if no other handle holds the block, so that a mutator will not copy it.
  bool isUnique() const { return block_ == nullptr || block_->refs.load(std::memory_order_acquire) == 1; }

  // Writable bytes, size() of them; copies the block first if it is shared.
  char* mutableData();

  // `bytes` may lie inside this very buffer.
  void append(std::string_view bytes);

  // Cuts, or extends with zero bytes.
  void resize(size_t size);

  // Room for at least `capacity` bytes, exactly as many if it has to grow.
  void reserve(size_t capacity);

  // Gives back what append() and resize() preallocated.
  void shrinkToFit();

  // Bytes of heap behind this handle, counted in full even if they are shared.
  size_t memoryUsage() const { return block_ != nullptr ? sizeof(Block) + block_->capacity : 0; }

 private:
  struct Block {
    std::atomic<uint32_t> refs;
    size_t size;
    size_t capacity;
    char* bytes() { return reinterpret_cast<char*>(this + 1); }
  };

  static Block* allocate(size_t capacity);
  void reallocate(size_t capacity);  // to a block of our own with this capacity, at least size()
  void growFor(size_t size);         // to a block of our own with room for `size` bytes, preallocating as sds does
  void drop();

  Block* block_ = nullptr;
};

}  // namespace vigil::ds
