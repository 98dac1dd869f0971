// What a Sentinel is told by its configuration: for itself, and for each master that it watches.
//
// Plain values. Times in milliseconds, as in the file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/ports/clock.h"

namespace vigil::sentinel {

// Where an instance is. A host is an address or a name; of a name, `ip` is what it was found to mean, once it was.
struct Address {
  std::string host;
  uint16_t port = 0;
  std::string ip = {};

  bool isSame(const Address& other) const {
    return isAt(other.host, other.port) || (!ip.empty() && ip == other.ip && port == other.port);
  }
  // As others name it: by either of its names.
  bool isAt(std::string_view where, uint16_t itsPort) const {
    return port == itsPort && (host == where || (!ip.empty() && ip == where));
  }
  const std::string& numeric() const { return ip.empty() ? host : ip; }
};

struct MasterSettings {
  uint32_t quorum = 2;
  int64_t downAfterMs = 30'000;
  int64_t refusedDownAfterMs = 0;  // 0: refused connections are no evidence
  int64_t rebootDownAfterMs = 0;   // 0: a master that loads after a restart is not down
  int64_t failoverTimeoutMs = 180'000;
  int64_t parallelSyncs = 1;
  std::string authUser;
  std::string authPassword;
  std::string notificationScript;
  std::string reconfigScript;
  std::map<std::string, std::string, std::less<>> renamedCommands;  // lower case, to what they are called there
};

struct GlobalSettings {
  std::string announceHost;
  uint16_t announcePort = 0;
  uint16_t listeningPort = 0;  // where we take connections; announced unless announcePort is set
  std::string user;            // sentinel-user: who we are to other Sentinels
  std::string password;        // sentinel-pass
  bool resolveHostnames = false;
  bool announceHostnames = false;
  bool denyScriptsReconfig = true;
};

// What SENTINEL DEBUG shows and sets, in milliseconds.
struct TimeConstants {
  int64_t infoPeriod = 10'000;
  int64_t pingPeriod = 1'000;
  int64_t askPeriod = 1'000;
  int64_t publishPeriod = 2'000;
  int64_t defaultDownAfter = 30'000;
  int64_t defaultFailoverTimeout = 180'000;
  int64_t tiltTrigger = 2'000;
  int64_t tiltPeriod = 30'000;
  int64_t replicaReconfTimeout = 10'000;
  int64_t minLinkReconnectPeriod = 15'000;
  int64_t electionTimeout = 10'000;
  int64_t scriptMaxRuntime = 60'000;
  int64_t scriptRetryDelay = 30'000;
};

constexpr MonoUs ms(int64_t milliseconds) { return milliseconds * 1000; }

}  // namespace vigil::sentinel
