// Port: work away from the event loops: what blocks (files, name resolution) or takes long (compression, freeing).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/ports/event_loop.h"

namespace vigil {

// Runs tasks one after another, in the order in which they were given, on a thread of its own (in the simulator: at a
// later virtual time). Any thread may submit.
class SerialExecutor {
 public:
  virtual ~SerialExecutor() = default;  // finishes
  virtual void submit(Task task) = 0;
  // Waits until all that was submitted has run, what these tasks submit too; nothing runs afterwards. For who is about to
  // destroy what tasks use, which may be the pointer to this.
  virtual void finish() = 0;
};

// How soon the processor is to be had by an executor's thread, where it is wanted by others too.
enum class Urgency : uint8_t {
  kPrompt,  // somebody waits for what it does: as the event loops' threads
  kBulk,    // much work that nobody waits for (snapshots): the event loops' threads come first
};

// Thread safe.
class TaskPool {
 public:
  virtual ~TaskPool() = default;
  virtual void submit(Task task) = 0;  // runs on some thread of the pool, in no promised order
  // `name` is the thread's name, at most 15 characters.
  virtual std::unique_ptr<SerialExecutor> makeSerial(std::string_view name, Urgency urgency) = 0;
};

}  // namespace vigil
