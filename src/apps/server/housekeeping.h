// What the process does ten times a second on the control loop: samples for INFO, giving freed memory back, and now and
// then log lines on how much there is.
#pragma once

#include <functional>

#include "base/ports/event_loop.h"
#include "runtime/memory_return.h"

namespace vigil::engine {
class Engine;
}

namespace vigil::apps {

class Housekeeping {
 public:
  // Begins at once; ends with the loop. `role` is told each time whether the node is a replica.
  Housekeeping(EventLoop& control, engine::Engine& engine, std::function<void(bool replica)> role);

 private:
  void step();
  void logSizes();  // at loglevel verbose, each five seconds

  EventLoop& control_;
  engine::Engine& engine_;
  const std::function<void(bool)> role_;
  runtime::MemoryReturn memoryReturn_;
  MonoUs sizesAt_;  // when they are logged next
};

}  // namespace vigil::apps
