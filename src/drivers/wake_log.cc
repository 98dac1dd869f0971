#include "drivers/wake_log.h"

#include <string>
#include <utility>

#include "base/log_line.h"
#include "base/ports/entropy.h"
#include "engine/engine.h"

namespace vigil::drivers {

void wakeLog(engine::Engine& engine, oplog::Log::Reason reason) {
  oplog::Log& log = engine.log();
  if (!log.active()) {
    oplog::History history{engine.system().entropy.hex(40)};
    if (reason == oplog::Log::Reason::kReplication) {
      engine.logger().notice("Replication backlog created, my new replication IDs are '" + history.id + "' and '" +
                             history.previousId + "'");
    }
    log.setHistory(std::move(history));
  }
  log.setNeeded(reason, true);
}

}  // namespace vigil::drivers
