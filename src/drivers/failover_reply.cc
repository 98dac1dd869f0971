#include "drivers/failover_reply.h"

namespace vigil::drivers {

namespace {

using Terms = FailoverReport::Terms;

void text(command::Reply& reply, std::string_view name, std::string_view value) {
  reply.bulk(name);
  reply.bulk(value);
}

void number(command::Reply& reply, std::string_view name, int64_t value) {
  reply.bulk(name);
  reply.integer(value);
}

void replySightings(command::Reply& reply, const FailoverReport& report, const Terms& terms) {
  reply.bulk("seen-down-by");
  reply.array(report.sightings.size());
  for (const auto& seen : report.sightings) {
    reply.map(2);
    text(reply, terms.observer, seen.by);
    number(reply, "after-ms", (seen.at - report.begun) / 1000);
  }
}

void replyVotes(command::Reply& reply, const FailoverReport& report, const Terms& terms) {
  reply.bulk("votes");
  reply.array(report.votes.size());
  for (const auto& vote : report.votes) {
    reply.map(4);
    text(reply, terms.observer, vote.by);
    text(reply, "candidate", vote.candidate);
    number(reply, "epoch", static_cast<int64_t>(vote.epoch));
    number(reply, "after-ms", (vote.at - report.begun) / 1000);
  }
}

void replyCandidates(command::Reply& reply, const FailoverReport& report, const Terms& terms) {
  reply.bulk("replicas");
  reply.array(report.candidates.size());
  for (const auto& candidate : report.candidates) {
    reply.map(4);
    text(reply, "replica", candidate.replica);
    number(reply, terms.rank, candidate.rank);
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

void replyFailover(command::Reply& reply, const FailoverReport& report, const Terms& terms) {
  reply.map(12);
  text(reply, "outcome", report.outcome);
  text(reply, "cause", report.cause);
  number(reply, "epoch", static_cast<int64_t>(report.epoch));
  text(reply, "old-master", report.oldMaster);
  text(reply, "new-master", report.newMaster);
  number(reply, "old-master-offset-last-seen", static_cast<int64_t>(report.oldOffset));
  number(reply, "new-master-offset", static_cast<int64_t>(report.newOffset));
  number(reply, "known-lost-bytes", static_cast<int64_t>(report.knownLoss()));
  replySightings(reply, report, terms);
  replyVotes(reply, report, terms);
  replyCandidates(reply, report, terms);
  replyStages(reply, report);
}

}  // namespace vigil::drivers
