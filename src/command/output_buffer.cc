#include "command/output_buffer.h"

#include <algorithm>
#include <cassert>
#include <span>
#include <utility>

namespace vigil::command {

namespace {

constexpr size_t kFirstCapacity = 1024;
constexpr size_t kKeptCapacity = 16 * 1024;       // what shrink() leaves an idle client
constexpr size_t kDropSentBytesFrom = 64 * 1024;  // below it, moving the rest to the front is not worth it

}  // namespace

void OutputBuffer::swap(OutputBuffer& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  std::swap(sent_, other.sent_);
  std::swap(references_, other.references_);
  std::swap(firstReference_, other.firstReference_);
  std::swap(referenceSent_, other.referenceSent_);
  std::swap(referencedBytes_, other.referencedBytes_);
}

void OutputBuffer::grow(size_t extra) {
  size_t capacity = std::max({kFirstCapacity, capacity_ * 2, size_ + extra});
  auto data = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ != 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = capacity;
}

void OutputBuffer::appendShared(ds::SharedBuffer buffer) {
  if (buffer.empty()) return;
  referencedBytes_ += buffer.size();
  references_.push_back({size_, std::move(buffer)});
}

void OutputBuffer::insert(size_t offset, std::string_view bytes) {
  assert(offset >= sent_ && offset <= size_);
  reserve(bytes.size());
  char* at = data_.get() + offset;
  std::memmove(at + bytes.size(), at, size_ - offset);
  std::memcpy(at, bytes.data(), bytes.size());
  size_ += bytes.size();
  for (size_t i = references_.size(); i > firstReference_ && references_[i - 1].at >= offset; --i) {
    references_[i - 1].at += bytes.size();
  }
}

void OutputBuffer::truncate(size_t offset) {
  assert(offset >= sent_ && offset <= size_);
  size_ = offset;
  while (references_.size() > firstReference_ && references_.back().at >= offset) {
    referencedBytes_ -= references_.back().buffer.size();
    references_.pop_back();
  }
}

void OutputBuffer::appendAll(OutputBuffer&& other) {
  assert(other.sent_ == 0 && other.referenceSent_ == 0);
  if (empty() && capacity_ <= other.capacity_) {
    *this = std::move(other);
    return;
  }
  for (Reference& reference : other.references_) reference.at += size_;
  std::move(other.references_.begin(), other.references_.end(), std::back_inserter(references_));
  referencedBytes_ += other.referencedBytes_;
  append({other.data_.get(), other.size_});
  other.clear();
}

size_t OutputBuffer::gather(std::string_view* pieces, size_t most) const {
  size_t count = 0;
  size_t at = sent_;
  size_t skip = referenceSent_;
  for (const Reference& reference : std::span(references_).subspan(firstReference_)) {
    if (reference.at > at) {
      if (count == most) return count;
      pieces[count++] = {data_.get() + at, reference.at - at};
      at = reference.at;
    }
    if (count == most) return count;
    pieces[count++] = reference.buffer.view().substr(skip);
    skip = 0;
  }
  if (size_ > at && count < most) pieces[count++] = {data_.get() + at, size_ - at};
  return count;
}

void OutputBuffer::consume(size_t bytes) {
  assert(bytes <= pending());
  while (bytes > 0) {
    const size_t encoded = (firstReference_ < references_.size() ? references_[firstReference_].at : size_) - sent_;
    const size_t taken = std::min(encoded, bytes);
    sent_ += taken;
    bytes -= taken;
    if (bytes == 0) break;
    const size_t left = references_[firstReference_].buffer.size() - referenceSent_;
    const size_t sent = std::min(left, bytes);
    referencedBytes_ -= sent;
    bytes -= sent;
    referenceSent_ = sent == left ? 0 : referenceSent_ + sent;
    if (sent == left) references_[firstReference_++].buffer = {};
  }
  if (empty()) {
    size_ = sent_ = 0;
    dropSentReferences();
  } else {
    if (sent_ >= kDropSentBytesFrom && sent_ >= size_ / 2) dropSentBytes();
    if (firstReference_ >= references_.size() / 2) dropSentReferences();
  }
}

void OutputBuffer::dropSentReferences() {
  references_.erase(references_.begin(), references_.begin() + static_cast<std::ptrdiff_t>(firstReference_));
  firstReference_ = 0;
}

void OutputBuffer::dropSentBytes() {
  std::memmove(data_.get(), data_.get() + sent_, size_ - sent_);
  for (Reference& reference : std::span(references_).subspan(firstReference_)) reference.at -= sent_;
  size_ -= sent_;
  sent_ = 0;
}

void OutputBuffer::clear() {
  size_ = sent_ = referenceSent_ = referencedBytes_ = firstReference_ = 0;
  references_.clear();
}

void OutputBuffer::shrink() {
  if (!empty() || capacity_ <= kKeptCapacity) return;
  data_.reset();
  capacity_ = 0;
  references_.shrink_to_fit();
}

}  // namespace vigil::command
