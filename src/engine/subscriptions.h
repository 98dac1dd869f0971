// What a client is subscribed to; lives in its session.
#pragma once

#include <functional>
#include <set>
#include <string>

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

// The client hears nothing more: RESET, or it is gone. Loop thread.
void stopListening(Engine& engine, Session& session);

}  // namespace vigil::engine
