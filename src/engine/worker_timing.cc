// What commands took, and what came of them: the statistics, the slow log, the latency monitor.
#include "command/command_table.h"
#include "engine/blocked_call.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

void Worker::noteSlow(const Session& session, const command::CommandEntry& entry, command::Args args, int64_t nanos) {
  const MonitoringOptions& options = engine_.options().monitoring;
  const int64_t microseconds = nanos / 1000;
  const uint64_t flags = entry.spec->flags;
  engine_.latency().note((flags & command::kFast) != 0 ? "fast-command" : "command", microseconds);
  const int64_t slowerThan = options.slowerThan.load(std::memory_order_relaxed);
  if (slowerThan < 0 || microseconds < slowerThan || (flags & command::kSkipSlowlog) != 0) return;
  SlowLog::Entry slow;
  slow.time = engine_.system().clock.wall() / 1'000'000;
  slow.microseconds = microseconds;
  slow.args = SlowLog::trim(args, execution_.redacted());
  if (session.info) {
    slow.address = session.info->address;
    slow.name = session.info->names().name;
  }
  engine_.slowLog().add(std::move(slow), static_cast<size_t>(options.slowLogLength.load(std::memory_order_relaxed)));
}

// A call that waited: the time of the wait is not its own.
void Worker::endedBlocked(const Session& session, const BlockedCall& call, int64_t nanos) {
  const MonitoringOptions& options = engine_.options().monitoring;
  const int64_t all = call.tookNanos + nanos;
  commandStatistics_.ended(call.command->index, nanos, all, options.latencyTracking.load(std::memory_order_relaxed));
  if (all < options.noticeFrom.load(std::memory_order_relaxed)) return;
  engine_.latency().note("command-unblocking", nanos / 1000);
  noteSlow(session, *call.command, call.args, all);
}

void Worker::noteErrors(const command::Reply& reply, const command::CommandEntry* entry, Ending ending) {
  if (reply.errors() == errorsSeen_) return;
  errorsSeen_ = reply.errors();
  stats_.errorReplies.add();
  commandStatistics_.error(reply.lastErrorCode());
  if (entry == nullptr) return;
  if (ending == Ending::kExecuted) {
    commandStatistics_.failed(entry->index);
  } else {
    commandStatistics_.rejected(entry->index);
  }
}

}  // namespace vigil::engine
