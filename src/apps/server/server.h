// A server process put together: machine, loops, node, listeners.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/server/configuration.h"
#include "drivers/node.h"
#include "runtime/machine.h"
#include "runtime/signals.h"

namespace vigil::apps {

class Server {
 public:
  Server(Configuration& configuration, Logger& logger);
  ~Server();

  // Opens the listeners and starts the threads. The error is for the log; the process then exits with 1.
  Status start();
  // Loads what the disk holds and serves until SHUTDOWN or a signal; returns the exit code.
  int run();

 private:
  Status listen();

  Configuration& configuration_;
  Logger& logger_;
  runtime::Machine machine_;
  runtime::LoopThread control_;
  std::vector<std::unique_ptr<runtime::LoopThread>> workers_;
  drivers::Node node_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace vigil::apps
