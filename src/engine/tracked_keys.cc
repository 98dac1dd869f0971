#include "engine/tracked_keys.h"

#include <algorithm>

namespace vigil::engine {

namespace {

constexpr size_t kFewKeys = 1024;  // not worth giving buckets back

}  // namespace

TrackedKeys::Added TrackedKeys::add(std::string_view key, uint64_t client) {
  auto at = keys_.find(key);
  if (at == keys_.end()) {
    keys_.emplace(std::string(key), std::vector<uint64_t>{client});
    return Added::kKeyAndClient;
  }
  std::vector<uint64_t>& clients = at->second;
  const auto place = std::ranges::lower_bound(clients, client);
  if (place != clients.end() && *place == client) return Added::kNothing;
  clients.insert(place, client);
  return Added::kClient;
}

std::vector<uint64_t> TrackedKeys::take(std::string_view key) {
  auto at = keys_.find(key);
  if (at == keys_.end()) return {};
  std::vector<uint64_t> clients = std::move(at->second);
  keys_.erase(at);
  if (keys_.bucket_count() > kFewKeys && keys_.size() < keys_.bucket_count() / 8) keys_.rehash(0);
  return clients;
}

std::optional<std::string> TrackedKeys::victim(std::optional<std::string_view> except) {
  const size_t buckets = keys_.bucket_count();
  for (size_t looked = 0; looked < buckets && !keys_.empty(); ++looked) {
    const size_t bucket = hand_++ % buckets;
    for (auto at = keys_.begin(bucket); at != keys_.end(bucket); ++at) {
      if (at->first != except) return at->first;
    }
  }
  return std::nullopt;
}

size_t TrackedKeys::clear() {
  size_t pairs = 0;
  for (const auto& [key, clients] : keys_) pairs += clients.size();
  StringMap<std::vector<uint64_t>>().swap(keys_);
  return pairs;
}

}  // namespace vigil::engine
