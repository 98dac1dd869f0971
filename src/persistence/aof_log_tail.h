// The end of the command log as the incremental files hold it: what a restarted node keeps in memory for replicas that
// are a little behind its disk, so that they go on with a partial resync.
//
//   reader of the files:  begin(offset of a head) -> add(records up to the next mark) … add(…)
//   then:                 offset(), units() for Log::restart() and Log::appendStream()
//
// Each piece that is added holds whole units. Pure; not thread safe.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "oplog/log.h"

namespace vigil::persistence {

class AofLogTail {
 public:
  // Keeps at least the last `limit` bytes, if so many come.
  explicit AofLogTail(size_t limit) : limit_(limit) {}

  size_t limit() const { return limit_; }
  // The next records begin at this offset; what is held and does not end there is forgotten.
  void begin(oplog::Offset offset);
  void add(std::string_view records);
  void skip(size_t bytes);  // records that nobody will ask for went by

  oplog::Offset start() const { return end_ - static_cast<oplog::Offset>(size_); }
  oplog::Offset end() const { return end_; }
  bool empty() const { return size_ == 0; }
  // Appends all that is held to `bytes`, and where its units begin to `starts` (offsets within `bytes`).
  void collect(std::string& bytes, std::vector<uint32_t>& starts) const;

 private:
  void forget();

  const size_t limit_;
  std::deque<std::string> pieces_;
  size_t size_ = 0;
  oplog::Offset end_ = 0;
};

}  // namespace vigil::persistence
