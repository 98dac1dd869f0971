// The handlers of SENTINEL that change something or tell more than a state, for the rows in sentinel_commands.cc.
#pragma once

namespace vigil::command {
class Context;
}
namespace vigil::sentinel {
struct MonitoredMaster;
}

namespace vigil::drivers {

class SentinelDriver;

SentinelDriver& driverOf(command::Context& ctx);
// The master that the second argument names; nullptr after an error reply.
sentinel::MonitoredMaster* masterOf(command::Context& ctx);

// --- Changes (sentinel_changes.cc) ---
void monitor(command::Context& ctx);
void remove(command::Context& ctx);
void reset(command::Context& ctx);
void set(command::Context& ctx);
void failover(command::Context& ctx);
void flushConfig(command::Context& ctx);
void changeConfig(command::Context& ctx);
void debugTimes(command::Context& ctx);
void simulateFailure(command::Context& ctx);

// --- Explanations (sentinel_help.cc, sentinel_report.cc) ---
void sentinelHelp(command::Context& ctx);
void failoverReport(command::Context& ctx);

}  // namespace vigil::drivers
