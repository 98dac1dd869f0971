// What the process does ten times a second on the control loop: samples for INFO, and giving freed memory back.
#pragma once

#include "base/ports/event_loop.h"
#include "runtime/memory_return.h"

namespace vigil::engine {
class Engine;
}

namespace vigil::apps {

class Housekeeping {
 public:
  // Begins at once; ends with the loop.
  Housekeeping(EventLoop& control, engine::Engine& engine);

 private:
  void step();

  EventLoop& control_;
  engine::Engine& engine_;
  runtime::MemoryReturn memoryReturn_;
};

}  // namespace vigil::apps
