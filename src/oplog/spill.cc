#include "oplog/spill.h"

#include <algorithm>

namespace vigil::oplog {

Spill::Spill(FileSystem& files, std::string prefix, uint64_t maxBytes)
    : files_(files), prefix_(std::move(prefix)), maxBytes_(maxBytes) {}

Spill::~Spill() = default;

Status Spill::append(int64_t offset, std::string_view bytes) {
  MutexLock guard(mutex_);
  bool continues = !parts_.empty() && parts_.back().base + static_cast<int64_t>(parts_.back().size) == offset;
  if (!continues) {
    while (!parts_.empty()) removeFront();
  }
  if (bytes_ + bytes.size() > maxBytes_) {
    return fail("the spill files of the replication log would be larger than allowed: " + std::to_string(maxBytes_) +
                " bytes");
  }
  if (parts_.empty() || parts_.back().size >= kFileBytes) {
    std::string path = prefix_ + std::to_string(offset) + ".tmp";
    auto file = files_.open(path, FileSystem::Open::kCreateEmpty, 0600);
    if (!file) return std::unexpected(file.error());
    if (auto unnamed = files_.remove(path); !unnamed) return unnamed;
    parts_.push_back({offset, 0, std::move(*file)});
  }
  Part& part = parts_.back();
  if (auto s = part.file->append(bytes); !s) {
    // Some of the bytes may be there: the file ends where the last whole run ended.
    if (auto cut = part.file->truncate(part.size); !cut) {
      while (!parts_.empty()) removeFront();
    }
    return s;
  }
  part.size += bytes.size();
  bytes_ += bytes.size();
  return {};
}

Result<size_t> Spill::read(int64_t offset, std::span<char> into) {
  std::shared_ptr<File> file;
  uint64_t at = 0;
  {
    MutexLock guard(mutex_);
    auto after = std::upper_bound(parts_.begin(), parts_.end(), offset,
                                  [](int64_t o, const Part& part) { return o < part.base; });
    if (after == parts_.begin()) return fail("offset " + std::to_string(offset) + " is not in the spill files");
    const Part& part = *(after - 1);
    at = static_cast<uint64_t>(offset - part.base);
    if (at >= part.size) return fail("offset " + std::to_string(offset) + " is behind the spill files");
    into = into.subspan(0, std::min<uint64_t>(into.size(), part.size - at));
    file = part.file;
  }
  return file->readAt(at, into);
}

void Spill::dropBelow(int64_t offset) {
  MutexLock guard(mutex_);
  while (!parts_.empty() && parts_.front().base + static_cast<int64_t>(parts_.front().size) <= offset) removeFront();
}

void Spill::clear() {
  MutexLock guard(mutex_);
  while (!parts_.empty()) removeFront();
}

void Spill::removeFront() {
  bytes_ -= parts_.front().size;
  parts_.pop_front();
}

uint64_t Spill::bytes() const {
  MutexLock guard(mutex_);
  return bytes_;
}

void Spill::setMaxBytes(uint64_t bytes) {
  MutexLock guard(mutex_);
  maxBytes_ = bytes;
}

}  // namespace vigil::oplog
