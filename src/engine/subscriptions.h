// What a client is subscribed to; lives in its session.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vigil::engine {

class Engine;
struct Session;

struct Subscriptions {
  using Names = std::set<std::string, std::less<>>;
  Names channels;
  Names patterns;
  Names shardChannels;

  size_t bytes = 0;  // about what they take, here and in the registry

  static size_t cost(std::string_view name) { return 2 * (name.size() + 64); }
  size_t count() const { return channels.size() + patterns.size(); }  // as (P)SUBSCRIBE's reply counts them
  bool empty() const { return count() + shardChannels.size() == 0; }
};

// RESP2 has no pushes: whoever is subscribed may do little else.
bool subscribedInResp2(const Session& session);

// Ends the subscriptions of shard channels that `misplaced` names, and says what was ended, each with how many are left.
// Loop thread.
std::vector<std::pair<std::string, size_t>> leaveShardChannels(Engine& engine, Session& session,
                                                              const std::function<bool(std::string_view)>& misplaced);

// The client hears nothing more: RESET, or it is gone. Loop thread.
void stopListening(Engine& engine, Session& session);

}  // namespace vigil::engine
