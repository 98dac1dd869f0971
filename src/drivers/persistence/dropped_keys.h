// The keys of a master's own file that had expired and were not loaded, for the log: replicas that go on from where the
// file ends hold them still. At most `limit` bytes of them; what is beyond would not fit into the backlog either.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oplog/log.h"

namespace vigil::drivers {

class DroppedKeys {
 public:
  explicit DroppedKeys(size_t limit) : limit_(limit) {}

  void add(int db, std::string_view key) {
    bytes_ += key.size();
    if (fit()) keys_.emplace_back(db, key);
  }
  bool fit() const { return bytes_ <= limit_; }
  void appendTo(oplog::Log& log) const {
    for (const auto& [db, key] : keys_) {
      const std::string_view command[] = {"DEL", key};
      log.append(db, command);
    }
  }

 private:
  size_t limit_;
  size_t bytes_ = 0;
  std::vector<std::pair<int, std::string>> keys_;
};

}  // namespace vigil::drivers
