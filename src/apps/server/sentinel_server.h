// A Sentinel process put together: one thread, an engine that knows a Sentinel's commands, the driver, listeners.
#pragma once

#include <memory>
#include <optional>

#include "apps/server/configuration.h"
#include "apps/server/housekeeping.h"
#include "apps/server/listeners.h"
#include "apps/server/process_life.h"
#include "drivers/sentinel/sentinel_driver.h"
#include "engine/engine.h"
#include "runtime/machine.h"
#include "runtime/machine_processes.h"

namespace vigil::apps {

class SentinelServer {
 public:
  static constexpr const char* kName = "Sentinel";

  SentinelServer(Configuration& configuration, Logger& logger, ProcessLife& life);
  ~SentinelServer();

  // The error is for the log; the process then exits with 1.
  Status start();
  // Serves until SHUTDOWN or a signal; returns the exit code.
  int run();

 private:
  drivers::SentinelDriver::Surroundings surroundings();
  Status startTls();
  void onSignal(int signal);

  Configuration& configuration_;
  Logger& logger_;
  ProcessLife& life_;
  runtime::Machine machine_;
  const runtime::PollerKind reactor_;
  runtime::LoopThread thread_;
  runtime::MachineProcesses processes_{thread_.loop()};
  engine::Engine engine_;
  drivers::SentinelDriver driver_;
  Listeners listeners_;
  std::optional<Housekeeping> housekeeping_;
};

}  // namespace vigil::apps
