#include "drivers/persistence/rdb_options.h"

#include "base/config.h"

namespace vigil::drivers {

void registerOptions(ConfigRegistry& registry, RdbOptions& options) {
  registry.add({.name = "save"}, savePointsOption(options.savePoints));
  registry.add({.name = "dbfilename", .isProtected = true},
               stringOption(options.fileName, fileNameValidator("dbfilename", true)));
  registry.add({.name = "rdbcompression"}, boolOption(options.compression));
  registry.add({.name = "rdbchecksum", .immutable = true}, boolOption(options.checksum));
  registry.add({.name = "rdb-del-sync-files"}, boolOption(options.deleteSyncFiles));
  registry.add({.name = "rdb-save-incremental-fsync"}, boolOption(options.incrementalSync));
  registry.add({.name = "stop-writes-on-bgsave-error"}, boolOption(options.stopWritesOnError));
}

}  // namespace vigil::drivers
