// SENTINEL FAILOVER-REPORT: maps in maps, times in milliseconds since the master was seen as down.
#include "command/context.h"
#include "drivers/sentinel/sentinel_driver.h"
#include "drivers/sentinel/sentinel_subcommands.h"

namespace vigil::drivers {

using sentinel::FailoverReport;

namespace {

void text(command::Reply& reply, std::string_view name, std::string_view value) {
  reply.bulk(name);
  reply.bulk(value);
}

void number(command::Reply& reply, std::string_view name, int64_t value) {
  reply.bulk(name);
  reply.integer(value);
}

void replySightings(command::Reply& reply, const FailoverReport& report) {
  reply.bulk("seen-down-by");
  reply.array(report.sightings.size());
  for (const auto& seen : report.sightings) {
    reply.map(2);
    text(reply, "sentinel", seen.sentinel);
    number(reply, "after-ms", (seen.at - report.begun) / 1000);
  }
}

void replyVotes(command::Reply& reply, const FailoverReport& report) {
  reply.bulk("votes");
  reply.array(report.votes.size());
  for (const auto& vote : report.votes) {
    reply.map(4);
    text(reply, "sentinel", vote.sentinel);
    text(reply, "candidate", vote.candidate);
    number(reply, "epoch", static_cast<int64_t>(vote.epoch));
    number(reply, "after-ms", (vote.at - report.begun) / 1000);
  }
}

void replyCandidates(command::Reply& reply, const FailoverReport& report) {
  reply.bulk("replicas");
  reply.array(report.candidates.size());
  for (const auto& candidate : report.candidates) {
    reply.map(4);
    text(reply, "replica", candidate.replica);
    number(reply, "priority", candidate.priority);
    number(reply, "offset", static_cast<int64_t>(candidate.offset));
    text(reply, "verdict", candidate.verdict);
  }
}

void replyStages(command::Reply& reply, const FailoverReport& report) {
  reply.bulk("stages");
  reply.array(report.stages.size());
  MonoUs before = report.begun;
  for (const auto& [stage, at] : report.stages) {
    reply.map(3);
    text(reply, "reached", stage);
    number(reply, "after-ms", (at - report.begun) / 1000);
    number(reply, "took-ms", (at - before) / 1000);
    before = at;
  }
}

}  // namespace

void failoverReport(command::Context& ctx) {
  const sentinel::MonitoredMaster* master = masterOf(ctx);
  if (master == nullptr) return;
  const FailoverReport& report = master->report;
  auto& reply = ctx.reply();
  if (!report.exists) return reply.null();
  reply.map(12);
  text(reply, "outcome", report.outcome);
  text(reply, "cause", report.cause);
  number(reply, "epoch", static_cast<int64_t>(report.epoch));
  text(reply, "old-master", report.oldMaster);
  text(reply, "new-master", report.newMaster);
  number(reply, "old-master-offset-last-seen", static_cast<int64_t>(report.oldOffset));
  number(reply, "new-master-offset", static_cast<int64_t>(report.newOffset));
  number(reply, "known-lost-bytes", static_cast<int64_t>(report.newOffset != 0 ? report.knownLoss() : 0));
  replySightings(reply, report);
  replyVotes(reply, report);
  replyCandidates(reply, report);
  replyStages(reply, report);
}

}  // namespace vigil::drivers
