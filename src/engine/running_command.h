// What the calling thread runs at this moment for a client: for the report, should it crash there.
#pragma once

#include <span>
#include <string_view>

#include "engine/client_info.h"

namespace vigil::command {
struct CommandEntry;
}

namespace vigil::engine {

struct RunningCommand {
  const ClientInfo* client = nullptr;  // none: no client's command is being run
  const command::CommandEntry* entry = nullptr;
  std::span<const std::string_view> args;

  // Of the worker whose thread this is; nullptr: it is no worker's.
  static const RunningCommand* here();
  // This thread runs what stands in `command`.
  static void ofThisThread(const RunningCommand& command);
};

}  // namespace vigil::engine
