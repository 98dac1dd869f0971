// What DUMP and RESTORE go by: their owner, given to the command table when they are registered.
//
// Thread safe: any thread may set a value, commands see it from then on.
#pragma once

#include <atomic>

#include "commands/list_options.h"

namespace vigil::commands {

struct DumpOptions {
  const ListOptions& lists;                        // of the lists that RESTORE makes
  const std::atomic<bool>* compression = nullptr;  // rdbcompression; null: yes
  std::atomic<bool> verifyChecksum{true};          // DEBUG SET-SKIP-CHECKSUM-VALIDATION
};

}  // namespace vigil::commands
