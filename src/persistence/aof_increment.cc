#include "persistence/aof_increment.h"

#include <utility>

namespace vigil::persistence {

AofIncrement::AofIncrement(std::unique_ptr<File> file, std::string name, uint64_t size)
    : file_(std::move(file)), name_(std::move(name)), size_(size) {}

Status AofIncrement::cutTail() {
  if (!torn_) return {};
  if (auto cut = file_->truncate(size_); !cut) return cut;
  torn_ = false;
  return {};
}

Status AofIncrement::append(std::span<const std::string_view> pieces) {
  if (auto cut = cutTail(); !cut) return cut;
  if (auto written = file_->append(pieces); !written) {
    torn_ = true;
    (void)cutTail();  // else before the next write
    return written;
  }
  for (std::string_view piece : pieces) size_ += piece.size();
  return {};
}

Status AofIncrement::writeHead(const AofHead& head) {
  before_.clear();
  appendHead(before_, head);
  std::string_view piece = before_;
  if (auto written = append({&piece, 1}); !written) return written;
  offset_ = head.offset;
  crc_ = {};
  return {};
}

Status AofIncrement::write(std::span<const std::string_view> records, oplog::Offset end, oplog::Offset synced,
                           int64_t timestamp) {
  before_.clear();
  after_.clear();
  if (timestamp != 0 && timestamp != lastTimestamp_) appendTimestamp(before_, timestamp);
  Crc64 crc = crc_;
  for (std::string_view piece : records) crc.feed(piece);
  appendMark(after_, {end, crc.value(), synced});
  pieces_.clear();
  if (!before_.empty()) pieces_.push_back(before_);
  pieces_.insert(pieces_.end(), records.begin(), records.end());
  pieces_.push_back(after_);
  if (auto written = append(pieces_); !written) return written;
  if (!before_.empty()) lastTimestamp_ = timestamp;
  offset_ = end;
  crc_ = {};
  return {};
}

Status AofIncrement::writePart(std::string_view records) {
  if (auto written = append({&records, 1}); !written) return written;
  crc_.feed(records);
  offset_ += static_cast<oplog::Offset>(records.size());
  return {};
}

Status AofIncrement::writeMark(oplog::Offset synced) { return write({}, offset_, synced, 0); }

}  // namespace vigil::persistence
