#include "persistence/aof_log_tail.h"

#include "base/text.h"
#include "wire/resp_parser.h"

namespace vigil::persistence {

void AofLogTail::forget() {
  pieces_.clear();
  size_ = 0;
}

void AofLogTail::begin(oplog::Offset offset) {
  if (offset != end_) forget();
  end_ = offset;
}

void AofLogTail::add(std::string_view records) {
  if (records.empty()) return;
  pieces_.emplace_back(records);
  size_ += records.size();
  end_ += static_cast<oplog::Offset>(records.size());
  while (size_ - pieces_.front().size() >= limit_) {
    size_ -= pieces_.front().size();
    pieces_.pop_front();
  }
}

void AofLogTail::skip(size_t bytes) {
  forget();
  end_ += static_cast<oplog::Offset>(bytes);
}

void AofLogTail::collect(std::string& bytes, std::vector<uint32_t>& starts) const {
  size_t at = bytes.size();
  bytes.reserve(at + size_);
  for (const std::string& piece : pieces_) bytes += piece;
  wire::RequestParser parser;
  wire::RequestLimits limits;
  limits.maxBulk = UINT64_MAX / 4;
  wire::ParsedCommand command;
  for (bool inside = false; at < bytes.size(); at += command.bytes) {
    // The reader has parsed these bytes before.
    if (parser.parse(std::string_view(bytes).substr(at), limits, command) != wire::RequestParser::Outcome::kComplete) break;
    if (!inside) starts.push_back(static_cast<uint32_t>(at));
    if (command.args.size() != 1) continue;
    if (equalsIgnoreCase(command.args[0], "multi")) inside = true;
    if (equalsIgnoreCase(command.args[0], "exec")) inside = false;
  }
}

}  // namespace vigil::persistence
