// A server process put together: machine, loops, node, listeners.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/server/configuration.h"
#include "apps/server/housekeeping.h"
#include "apps/server/listeners.h"
#include "apps/server/process_life.h"
#include "drivers/node.h"
#include "engine/config_commands.h"
#include "runtime/machine.h"
#include "runtime/signals.h"

namespace vigil::apps {

class Server {
 public:
  static constexpr const char* kName = "Redis";

  Server(Configuration& configuration, Logger& logger, ProcessLife& life);
  ~Server();

  // Opens the listeners and starts the threads. The error is for the log; the process then exits with 1.
  Status start();
  // Loads what the disk holds and serves until SHUTDOWN or a signal; returns the exit code.
  int run();

 private:
  void onSignal(int signal);
  Status startTls(const std::vector<EventLoop*>& workers);
  // Makes TLS follow the options, if anybody speaks it; the error is CONFIG SET's, the log says what is wrong.
  Status configureTls();
  Status listenAnew(ListenAt what, const std::string& problem);
  void tellPorts();
  void announceReady();

  Configuration& configuration_;
  Logger& logger_;
  ProcessLife& life_;
  runtime::Machine machine_;
  const runtime::PollerKind reactor_;
  runtime::LoopThread control_;
  std::vector<std::unique_ptr<runtime::LoopThread>> workers_;
  drivers::Node node_;
  engine::ConfigControl configControl_;
  Listeners listeners_;
  std::optional<Housekeeping> housekeeping_;
};

}  // namespace vigil::apps
