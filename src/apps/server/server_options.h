// The options of the process as a whole: where it listens, what it logs, how many threads it has.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/config_specials.h"
#include "base/log_line.h"
#include "base/shared_value.h"
#include "runtime/poller.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::apps {

struct ServerOptions {
  std::atomic<int64_t> port{6379};
  std::atomic<int64_t> tlsPort{0};
  std::atomic<int64_t> tcpBacklog{511};
  Shared<AddressList> bind{AddressList{"*", "-::*"}};
  SharedString unixSocket;
  std::atomic<int64_t> unixSocketPermissions{0};
  std::atomic<int64_t> threads{0};  // 0: the machine's cores; see workerCount()
  std::atomic<runtime::PollerKind> reactor{runtime::PollerKind::kEpoll};
  std::atomic<bool> daemonize{false};
  SharedString pidFile;
  SharedString logFile;
  std::atomic<LogLevel> logLevel{LogLevel::kNotice};
  std::atomic<int> shutdownOnInterrupt{0};  // shutdownFlag
  std::atomic<int> shutdownOnTerm{0};

  size_t workerCount() const;
};

enum class ListenAt { kPort, kTlsPort, kAddresses };

// `setLevel` carries out loglevel in a running server, `listenAnew` port, tls-port and bind (its last argument: the
// error's text). dir is carried out at once, also while the file is read: a relative include follows it.
void registerOptions(ConfigRegistry& registry, ServerOptions& options, std::function<void(LogLevel)> setLevel,
                     std::function<Status(ListenAt, const std::string&)> listenAnew);

}  // namespace vigil::apps
