#include "replication/transfer_reader.h"

#include <algorithm>
#include <charconv>

namespace vigil::replication {

Result<size_t> TransferReader::feed(std::string_view bytes, const Payload& payload) {
  size_t taken = 0;
  if (!begun_) {
    auto got = header(bytes);
    if (!got) return got;
    taken = *got;
    bytes.remove_prefix(taken);
  }
  if (!begun_ || complete_) return taken;
  return taken + (mark_.empty() ? counted(bytes, payload) : marked(bytes, payload));
}

Result<size_t> TransferReader::header(std::string_view bytes) {
  constexpr size_t kMaxHeader = 64;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != '\n') {
      line_ += bytes[i];
      if (line_.size() > kMaxHeader) break;
      continue;
    }
    if (line_.ends_with('\r')) line_.pop_back();
    if (line_.empty()) continue;
    if (auto s = headerComplete(); !s) return std::unexpected(s.error());
    return i + 1;
  }
  if (line_.size() > kMaxHeader) {
    return fail("Bad protocol from MASTER, the first byte is not '$' (we received '" + line_ +
                "'), are you sure the host and port are right?");
  }
  return bytes.size();
}

Status TransferReader::headerComplete() {
  if (line_[0] == '-') return fail("MASTER aborted replication with an error: " + line_.substr(1));
  if (line_[0] != '$') {
    return fail("Bad protocol from MASTER, the first byte is not '$' (we received '" + line_ +
                "'), are you sure the host and port are right?");
  }
  if (line_.starts_with("$EOF:")) {
    mark_ = line_.substr(5);
    if (mark_.size() != kMark)
      return fail("MASTER announced an end mark of " + std::to_string(mark_.size()) + " bytes");
  } else {
    auto parsed = std::from_chars(line_.data() + 1, line_.data() + line_.size(), length_);
    if (parsed.ec != std::errc() || parsed.ptr != line_.data() + line_.size() || length_ < 0) {
      return fail("MASTER announced a snapshot of '" + line_.substr(1) + "' bytes");
    }
    complete_ = length_ == 0;
  }
  begun_ = true;
  return {};
}

size_t TransferReader::counted(std::string_view bytes, const Payload& payload) {
  auto take = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(bytes.size()), length_ - received_));
  if (take != 0) payload(bytes.substr(0, take));
  received_ += static_cast<int64_t>(take);
  complete_ = received_ == length_;
  return take;
}

size_t TransferReader::marked(std::string_view bytes, const Payload& payload) {
  // `held_` is what may be the mark's beginning: shorter than the mark, and not passed on yet.
  size_t heldBefore = held_.size();
  std::string joined = held_ + std::string(bytes.substr(0, std::min(bytes.size(), kMark)));
  size_t at = joined.find(mark_);
  if (at != std::string::npos) {
    if (at != 0) payload(std::string_view(joined).substr(0, at));
    received_ += static_cast<int64_t>(at);
    complete_ = true;
    held_.clear();
    return at + kMark - heldBefore;
  }
  at = bytes.find(mark_);
  if (at != std::string_view::npos) {
    if (heldBefore != 0) payload(held_);
    if (at != 0) payload(bytes.substr(0, at));
    received_ += static_cast<int64_t>(heldBefore + at);
    complete_ = true;
    held_.clear();
    return at + kMark;
  }
  if (bytes.size() < kMark) {
    held_ = std::move(joined);
    if (held_.size() >= kMark) {
      size_t out = held_.size() - (kMark - 1);
      payload(std::string_view(held_).substr(0, out));
      received_ += static_cast<int64_t>(out);
      held_.erase(0, out);
    }
    return bytes.size();
  }
  size_t out = bytes.size() - (kMark - 1);
  if (heldBefore != 0) payload(held_);
  payload(bytes.substr(0, out));
  received_ += static_cast<int64_t>(heldBefore + out);
  held_.assign(bytes.substr(out));
  return bytes.size();
}

}  // namespace vigil::replication
