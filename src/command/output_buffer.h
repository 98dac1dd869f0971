// Bytes on their way to a client: what has been encoded, in order, with large values referenced instead of copied.
//
// Owned by one session and touched by one thread at a time. Layout: one contiguous buffer of encoded bytes; each
// reference says after how many of those bytes its value is to be sent.
//
//   bytes_:      "...$20000\r\n|\r\n+OK\r\n..."
//   references_:              ^ at = 11, buffer = the 20,000 bytes
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "ds/shared_buffer.h"

namespace vigil::command {

class OutputBuffer {
 public:
  OutputBuffer() = default;
  OutputBuffer(OutputBuffer&& other) noexcept { swap(other); }
  OutputBuffer& operator=(OutputBuffer&& other) noexcept {
    swap(other);
    other.clear();
    return *this;
  }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void append(char c) {
    *reserve(1) = c;
    ++size_;
  }
  // Room for `extra` more bytes at the returned place; advance() by how many were written there.
  char* reserve(size_t extra) {
    if (size_ + extra > capacity_) grow(extra);
    return data_.get() + size_;
  }
  void advance(size_t written) { size_ += written; }
  // Sends the buffer's bytes at this place without copying them. Encoded bytes must follow before the next offset().
  void appendShared(ds::SharedBuffer buffer);
  // Puts `bytes` in front of what stands at `offset` (an aggregate's header whose length became known late).
  void insert(size_t offset, std::string_view bytes);
  // Drops everything behind `offset` encoded bytes, references included.
  void truncate(size_t offset);
  // Moves all of `other`, of which nothing has been sent yet, behind what is here.
  void appendAll(OutputBuffer&& other);

  // How many encoded bytes there are (referenced ones not counted): the offset for insert() and truncate(). consume()
  // makes earlier offsets meaningless.
  size_t offset() const { return size_; }
  // All bytes still to be sent, referenced ones included.
  size_t pending() const { return size_ - sent_ + referencedBytes_; }
  bool empty() const { return size_ == sent_ && firstReference_ == references_.size(); }
  // What the buffer holds of memory, for the limits on output buffers.
  size_t memory() const { return capacity_ + referencedBytes_; }

  // Gathers up to `most` pieces of what is to be sent next into `pieces`; returns how many.
  size_t gather(std::string_view* pieces, size_t most) const;
  // `bytes` of what gather() gave have been sent.
  void consume(size_t bytes);
  void clear();
  // Gives back the memory of a large buffer that is empty now.
  void shrink();

 private:
  struct Reference {
    size_t at;  // encoded bytes before it
    ds::SharedBuffer buffer;
  };
  void grow(size_t extra);
  void swap(OutputBuffer& other) noexcept;
  void dropSentBytes();
  void dropSentReferences();

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;      // encoded bytes in data_
  size_t capacity_ = 0;  // of data_
  size_t sent_ = 0;      // of the encoded bytes, how many have been sent
  std::vector<Reference> references_;
  size_t firstReference_ = 0;   // those before it have been sent
  size_t referenceSent_ = 0;    // of the first reference's bytes, how many have been sent
  size_t referencedBytes_ = 0;  // of all references, what is yet to be sent
};

}  // namespace vigil::command
