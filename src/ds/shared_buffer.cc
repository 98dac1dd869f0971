#include "ds/shared_buffer.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>

#include "ds/heap.h"

namespace vigil::ds {

SharedBuffer::Block* SharedBuffer::allocate(size_t capacity) {
  return new (allocateBytes(sizeof(Block) + capacity)) Block{.refs = 1, .size = 0, .capacity = capacity};
}

SharedBuffer::SharedBuffer(std::string_view bytes) {
  if (bytes.empty()) return;
  block_ = allocate(bytes.size());
  block_->size = bytes.size();
  std::memcpy(block_->bytes(), bytes.data(), bytes.size());
}

void SharedBuffer::drop() {
  if (block_ == nullptr) return;
  if (block_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) freeBytes(block_);
  block_ = nullptr;
}

void SharedBuffer::reallocate(size_t capacity) {
  if (block_ != nullptr && isUnique()) {
    // A lone block may move as it is: nobody else has its address.
    block_ = static_cast<Block*>(reallocateBytes(block_, sizeof(Block) + capacity));
    block_->capacity = capacity;
    return;
  }
  Block* copy = allocate(capacity);
  copy->size = size();
  if (block_ != nullptr) std::memcpy(copy->bytes(), block_->bytes(), copy->size);
  drop();
  block_ = copy;
}

void SharedBuffer::growFor(size_t size) {
  if (block_ != nullptr && size <= block_->capacity && isUnique()) return;
  reallocate(size <= capacity() ? capacity() : size + std::min(size, kMaxPreallocation));
}

char* SharedBuffer::mutableData() {
  if (!isUnique()) reallocate(capacity());
  return block_ != nullptr ? block_->bytes() : nullptr;
}

void SharedBuffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  const size_t old_size = size();
  const std::less_equal<const char*> not_after;
  const bool inside =
      block_ != nullptr && not_after(data(), bytes.data()) && not_after(bytes.data(), data() + old_size);
  const size_t offset = inside ? static_cast<size_t>(bytes.data() - data()) : 0;
  growFor(old_size + bytes.size());
  const char* source = inside ? block_->bytes() + offset : bytes.data();
  std::memmove(block_->bytes() + old_size, source, bytes.size());
  block_->size = old_size + bytes.size();
}

void SharedBuffer::resize(size_t size) {
  const size_t old_size = this->size();
  if (size == old_size) return;
  growFor(size);
  if (size > old_size) std::memset(block_->bytes() + old_size, 0, size - old_size);
  block_->size = size;
}

void SharedBuffer::reserve(size_t capacity) {
  if (capacity > this->capacity()) reallocate(capacity);
}

void SharedBuffer::shrinkToFit() {
  if (size() == 0) {
    drop();
  } else if (size() < capacity()) {
    reallocate(size());
  }
}

}  // namespace vigil::ds
