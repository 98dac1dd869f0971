// How a client tracks what it reads; lives in its session while CLIENT TRACKING is on.
#pragma once

#include <set>
#include <string>

namespace vigil::engine {

class Engine;
struct Session;

struct TrackingMode {
  // Which of the keys that it reads a client wants to hear of: all, those of commands behind CLIENT CACHING YES, all
  // but those behind CLIENT CACHING NO; kBroadcast: of its prefixes, read or not.
  enum class Of : uint8_t { kAll, kOptIn, kOptOut, kBroadcast };

  Of of = Of::kAll;
  bool caching = false;  // CLIENT CACHING came for the next command, or the transaction that it begins
  std::set<std::string, std::less<>> prefixes;

  bool notesReads() const { return of == Of::kAll || (of == Of::kOptIn && caching) || (of == Of::kOptOut && !caching); }
};

// The client is told of no more changes: TRACKING OFF, RESET, or it is gone. Loop thread.
void stopTracking(Engine& engine, Session& session);

}  // namespace vigil::engine
