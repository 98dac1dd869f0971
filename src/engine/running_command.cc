#include "engine/running_command.h"

namespace vigil::engine {

namespace {
thread_local constinit const RunningCommand* current = nullptr;
}

const RunningCommand* RunningCommand::here() { return current; }

void RunningCommand::ofThisThread(const RunningCommand& command) { current = &command; }

}  // namespace vigil::engine
