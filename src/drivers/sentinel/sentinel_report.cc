// SENTINEL FAILOVER-REPORT.
#include "command/context.h"
#include "drivers/failover_reply.h"
#include "drivers/sentinel/sentinel_driver.h"
#include "drivers/sentinel/sentinel_subcommands.h"

namespace vigil::drivers {

void failoverReport(command::Context& ctx) {
  const sentinel::MonitoredMaster* master = masterOf(ctx);
  if (master == nullptr) return;
  if (!master->report.exists) return ctx.reply().null();
  replyFailover(ctx.reply(), master->report, sentinel::kReportTerms);
}

}  // namespace vigil::drivers
