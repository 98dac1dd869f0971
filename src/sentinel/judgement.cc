#include "sentinel/judgement.h"

#include <algorithm>
#include <cstdint>

#include "sentinel/election.h"
#include "sentinel/watch.h"

namespace vigil::sentinel {

namespace {

constexpr int kEagerAsks = 20;              // so many times others are asked soon again,
constexpr MonoUs kEagerAskPeriod = ms(50);  // since they see the same fault at about the same time
constexpr MonoUs kLeastAskPeriod = ms(20);
constexpr int kAnswerLifetimes = 5;  // an answer counts for so many periods of asking

// A replica that could be promoted, and says by itself that the master is of no use to it.
bool electableAnd(const Step& step, const MonitoredMaster& master, MonoUs infoSince, bool (*says)(const Instance&)) {
  return std::ranges::any_of(master.replicas, [&](const auto& entry) {
    const Instance& replica = *entry.second;
    return !replica.down() && replica.link.commands.up() && replica.priority != 0 && replica.saysReplica &&
           replica.infoAt != 0 && replica.infoAt >= infoSince &&
           step.now - replica.infoAt <= 2 * ms(step.state.times.infoPeriod) &&
           master.self->address.isAt(replica.masterHost, replica.masterPort) && says(replica);
  });
}

bool refusedForLong(const Step& step, const Instance& instance) {
  const int64_t window = instance.owner.settings.refusedDownAfterMs;
  const MonoUs since = instance.link.refusedSince;
  if (window == 0 || since == 0 || step.now - since < ms(window)) return false;
  return electableAnd(step, instance.owner, since, [](const Instance& replica) { return !replica.masterLinkUp; });
}

// Why this instance is down; empty: it is not.
std::string_view reasonOf(const Step& step, const Instance& instance) {
  const MonitoredMaster& master = instance.owner;
  const MonoUs downAfter = ms(master.settings.downAfterMs);
  if (instance.link.silentFor(step.now) > downAfter) return "no valid answer for down-after-milliseconds";
  if (instance.role != Role::kMaster) return {};
  if (instance.saysReplica && step.now - instance.roleSince > downAfter + 2 * ms(step.state.times.infoPeriod)) {
    return "it says that it is a replica";
  }
  const int64_t reboot = master.settings.rebootDownAfterMs;
  if (reboot != 0 && instance.rebootedAt != 0 && step.now - instance.rebootedAt > ms(reboot)) {
    return "restarted, and not ready for master-reboot-down-after-period";
  }
  if (refusedForLong(step, instance)) return "its host refuses connections, its replicas have lost it as well";
  if (electableAnd(step, master, 0, [](const Instance& replica) { return replica.refusesEmptyMaster; })) {
    return "it came back without data, and a replica holds them";
  }
  return {};
}

void becameDown(Step& step, Instance& instance, std::string_view reason) {
  instance.downSince = instance.wasDown = step.now;
  step.event(LogLevel::kWarning, "+sdown", &instance);
  if (instance.role != Role::kMaster) return;
  MonitoredMaster& master = instance.owner;
  if (!master.failover.underWay()) {
    master.report.begin(step.now, std::string(reason));
    master.report.oldMaster = joinHostPort(step.shown(instance.address), instance.address.port);
    master.report.seenBy(step.state.id, step.now);
    master.report.oldOffset = instance.masterOffset;
    master.report.oldOffsetAt = instance.infoAt;
  }
  master.asks = 0;
  askOthers(step, master);
  askInfoOfReplicas(step, master);  // what they have is soon to be compared
}

void becameObjectivelyDown(Step& step, MonitoredMaster& master, size_t agree) {
  master.objectivelyDownSince = step.now;
  step.event(LogLevel::kWarning, "+odown", master.self.get(),
             "#quorum " + std::to_string(agree) + "/" + std::to_string(master.settings.quorum));
  master.report.reached("objectively down", step.now);
  planElection(step, master);
}

size_t agreeing(Step& step, MonitoredMaster& master) {
  size_t agree = 1;
  for (auto& [id, sentinel] : master.sentinels) {
    if (step.now - sentinel->answered > kAnswerLifetimes * ms(step.state.times.askPeriod)) {
      sentinel->seesMasterDown = false;
      sentinel->vote.clear();
    }
    if (sentinel->seesMasterDown) ++agree;
  }
  return agree;
}

}  // namespace

void judge(Step& step, Instance& instance) {
  const std::string_view reason = reasonOf(step, instance);
  if (!reason.empty() && !instance.down()) {
    becameDown(step, instance, reason);
  } else if (reason.empty() && instance.down()) {
    instance.downSince = 0;
    instance.scriptKillSent = false;
    step.event(LogLevel::kWarning, "-sdown", &instance);
  }
}

void judgeObjectively(Step& step, MonitoredMaster& master) {
  const bool wasDown = master.objectivelyDown();
  const size_t agree = master.self->down() ? agreeing(step, master) : 0;
  const bool isDown = agree != 0 && agree >= master.settings.quorum;
  if (isDown && !wasDown) {
    becameObjectivelyDown(step, master, agree);
  } else if (!isDown && wasDown) {
    master.objectivelyDownSince = 0;
    step.event(LogLevel::kWarning, "-odown", master.self.get());
  }
  if (master.self->down() && step.now >= master.askAgainAt) askOthers(step, master);
}

void askOthers(Step& step, MonitoredMaster& master) {
  const bool standing = master.failover.stage == Stage::kElecting;
  master.askedAt = step.now;
  const bool eager = ++master.asks <= kEagerAsks && !master.objectivelyDown();
  master.askAgainAt = step.now + (eager ? kEagerAskPeriod : ms(step.state.times.askPeriod));
  for (auto& [id, sentinel] : master.sentinels) {
    const Address& address = master.self->address;
    const bool sent =
        step.send(*sentinel, Request::kAskDown,
                  {"SENTINEL", "is-master-down-by-addr", step.shown(address), std::to_string(address.port),
                   std::to_string(step.state.epoch), standing ? step.state.id : "*"});
    if (!sent) continue;
    ++sentinel->questions;
    if (standing && sentinel->voteQuestion == 0) sentinel->voteQuestion = sentinel->questions;
  }
}

void onDownAnswer(Step& step, Instance& sentinel, const wire::RespValue& reply) {
  using Kind = wire::RespValue::Kind;
  ++sentinel.answers;
  if (reply.kind != Kind::kArray || reply.items.size() != 3 || reply.items[0].kind != Kind::kInteger ||
      !reply.items[1].isText() || reply.items[2].kind != Kind::kInteger) {
    return;  // an error, or not a Sentinel
  }
  MonitoredMaster& master = sentinel.owner;
  sentinel.answered = step.now;
  sentinel.seesMasterDown = reply.items[0].integer == 1;
  if (sentinel.seesMasterDown) master.report.seenBy(sentinel.name, step.now);
  if (const std::string& vote = reply.items[1].text; vote != "*") {
    sentinel.vote = vote;
    sentinel.voteEpoch = static_cast<uint64_t>(std::max<int64_t>(0, reply.items[2].integer));
    master.report.voted(sentinel.name, vote, sentinel.voteEpoch, step.now);
  }
  if (step.state.tiltSince != 0) return;
  judgeObjectively(step, master);
  countVotes(step, master);
}

MonoUs nextJudgement(const MonitoredMaster& master) {
  const Link& link = master.self->link;
  MonoUs next = INT64_MAX;
  if (!master.self->down()) {
    const MonoUs silent = link.firstUnanswered != 0 ? link.firstUnanswered
                          : link.commands.up()      ? 0
                                                    : link.lastAvailable;
    if (silent != 0) next = silent + ms(master.settings.downAfterMs) + 1;
    if (link.refusedSince != 0 && master.settings.refusedDownAfterMs != 0) {
      next = std::min(next, link.refusedSince + ms(master.settings.refusedDownAfterMs));
    }
  } else if (!master.objectivelyDown()) {
    next = master.askAgainAt;
  }
  return next;
}

DownAnswer answerDownQuestion(Step& step, std::string_view host, uint16_t port, uint64_t epoch,
                              const std::string& candidate) {
  DownAnswer answer;
  for (auto& [name, entry] : step.state.masters) {
    MonitoredMaster& master = *entry;
    if (!master.self->address.isAt(host, port)) continue;
    answer.down = step.state.tiltSince == 0 && master.self->down();
    if (candidate != "*") {
      voteFor(step, master, epoch, candidate);
      answer.leader = master.ballot.leader.empty() ? "*" : master.ballot.leader;
      answer.leaderEpoch = master.ballot.epoch;
    }
    // Who asks is likely to see it as down by now: ask as well.
    if (answer.down && !master.objectivelyDown()) {
      master.askAgainAt = std::min(master.askAgainAt, std::max(step.now, master.askedAt + kLeastAskPeriod));
    }
    return answer;
  }
  return answer;
}

}  // namespace vigil::sentinel
