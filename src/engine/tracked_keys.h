// Which clients cache which keys of one shard, by the keys' names, whatever their database. Under that shard's lock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_map.h"

namespace vigil::engine {

class TrackedKeys {
 public:
  enum class Added : uint8_t { kNothing, kClient, kKeyAndClient };

  size_t size() const { return keys_.size(); }
  bool empty() const { return keys_.empty(); }

  Added add(std::string_view key, uint64_t client);
  // The clients that cache the key, who are forgotten with it; in the order of their ids.
  std::vector<uint64_t> take(std::string_view key);
  // Some key to be forgotten in favour of others, not `except` if one is given. Each has its turn before one has its
  // second.
  std::optional<std::string> victim(std::optional<std::string_view> except);
  // All of it; returns how many pairs of a key and a client there were.
  size_t clear();

 private:
  StringMap<std::vector<uint64_t>> keys_;
  size_t hand_ = 0;  // the bucket that the next victim is looked for in
};

}  // namespace vigil::engine
