// The options of saving and loading RDB files.
//
// Thread safe: any thread may set a value; it counts from the next save or load on.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/config_specials.h"
#include "base/shared_value.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::drivers {

struct RdbOptions {
  Shared<SavePoints> savePoints{kDefaultSavePoints};  // save
  SharedString fileName{"dump.rdb"};                  // dbfilename
  std::atomic<bool> compression{true};                // rdbcompression
  std::atomic<bool> checksum{true};                   // rdbchecksum
  std::atomic<bool> deleteSyncFiles{false};           // rdb-del-sync-files
  std::atomic<bool> incrementalSync{true};            // rdb-save-incremental-fsync
  std::atomic<bool> stopWritesOnError{true};          // stop-writes-on-bgsave-error
  std::atomic<int64_t> processId{0};                  // in the names of temporary files
};

void registerOptions(ConfigRegistry& registry, RdbOptions& options);

}  // namespace vigil::drivers
