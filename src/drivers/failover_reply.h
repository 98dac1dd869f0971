// A FailoverReport as SENTINEL and CLUSTER FAILOVER-REPORT answer it: maps in maps, times in milliseconds since the master
// was seen as down.
#pragma once

#include "base/failover_report.h"
#include "command/reply.h"

namespace vigil::drivers {

void replyFailover(command::Reply& reply, const FailoverReport& report, const FailoverReport::Terms& terms);

}  // namespace vigil::drivers
