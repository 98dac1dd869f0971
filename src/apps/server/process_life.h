// The process around the server, from its start to its end: its supervisor, its title, its standing with the kernel, and
// what is done when a thread crashes or hangs.
//
// Built on the main thread before there are others; watch() before the loops run. Carries out the options of
// ProcessOptions that can change meanwhile.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/server/configuration.h"
#include "base/ports/event_loop.h"
#include "runtime/crash_report.h"
#include "runtime/oom_score.h"
#include "runtime/process_title.h"
#include "runtime/supervision.h"
#include "runtime/watchdog.h"

namespace vigil::engine {
class Engine;
}

namespace vigil::apps {

class ProcessLife {
 public:
  ProcessLife(Configuration& configuration, Logger& logger, runtime::ProcessTitle& title);
  ~ProcessLife();
  ProcessLife(const ProcessLife&) = delete;
  ProcessLife& operator=(const ProcessLife&) = delete;

  const runtime::Supervision& supervision() const { return supervision_; }
  // Whether to go to the background: a supervisor wants its process in front.
  bool daemonizes() const;
  // After daemonizing: title, processors, out-of-memory score. What fails is in the log.
  void begin();
  // What each thread does first.
  std::function<void()> workerStart() const;
  std::function<void()> taskStart() const;
  // From here on crashes are reported and stuck workers noticed.
  void watch(engine::Engine& engine, EventLoop& control, std::vector<runtime::LoopThread*> workers);
  void unwatch();  // the loops have stopped

  // On the control loop: the data is loaded. The supervisor is told once.
  void ready(bool replica);
  // On the control loop, ten times a second: a replica's standing is another than a master's.
  void followRole(bool replica);
  Status updateTitle();  // any thread

 private:
  Status updateOomScore();

  Configuration& configuration_;
  ProcessOptions& options_;
  Logger& logger_;
  runtime::ProcessTitle& title_;
  runtime::Supervision supervision_;
  runtime::OomScore oomScore_;
  std::atomic<bool> replica_{false};
  std::optional<runtime::CrashReport> crashReport_;
  std::optional<runtime::Watchdog> watchdog_;
};

}  // namespace vigil::apps
