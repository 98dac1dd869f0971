#include "sim/roles.h"

#include "sim/questions.h"

namespace vigil::sim {

namespace {

constexpr SimTime kFailoverAtMost = 45 * kSecond;

}  // namespace

std::vector<Words> Roles::failoverCommand(size_t target, bool& forced) {
  Words command{"FAILOVER"};
  const bool to = random_.chance(0.6);
  if (to) {
    command.insert(command.end(), {"TO", nodes_[target]->host(), "6379"});
    forced = random_.chance(0.3);
    if (forced) command.push_back("FORCE");
  }
  if (forced || random_.chance(0.4)) {
    command.insert(command.end(), {"TIMEOUT", std::to_string(random_.skewed(5, 5000))});
  }
  return {command};
}

// Later, and in whichever state it finds the failover.
void Roles::abortSometime(bool& aborted) {
  world_.runFor(random_.skewed(kMs, 3 * kSecond));
  auto answers = ask(world_, network_, master().address(), {{"FAILOVER", "ABORT"}}, false, kAnswerAtMost);
  if (!answers) return fail(master().name() + " did not answer to FAILOVER ABORT");
  aborted = answers->front() == "+OK";
}

void Roles::failover() {
  calm_ = true;
  size_t target = random_.below(nodes_.size());
  if (target == current_) target = (target + 1) % nodes_.size();
  const size_t old = current_, fullResyncs = master().fullResyncs();
  bool forced = false, aborted = false;
  auto command = failoverCommand(target, forced);
  auto answers = ask(world_, network_, master().address(), command, false, kAnswerAtMost);
  if (!answers) return fail(master().name() + " did not answer to FAILOVER");
  if (answers->front() == "+OK") {
    if (random_.chance(0.2)) abortSometime(aborted);
    if (failed()) return;
    // The old master may take its role back a moment after the failover has ended.
    auto ended = [this] {
      if (!master().running()) return true;
      return !replication(master()).failover().active() && std::ranges::any_of(nodes_, isMaster);
    };
    if (!world_.runUntil(ended, kFailoverAtMost) || !master().running()) {
      return fail("FAILOVER did not end: " + positions());
    }
    failoverEnded(old, fullResyncs, forced, aborted);
  }
  calm_ = false;
}

void Roles::failoverEnded(size_t old, size_t fullResyncs, bool forced, bool aborted) {
  size_t next = old;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (i == old || !isMaster(nodes_[i])) continue;
    if (next != old) return fail("several replicas were promoted: " + positions());
    next = i;
  }
  histories_.note(log(*nodes_[old]));  // a new one, if it was a replica for a moment
  if (next == old) return checkMaster({.copies = 0}, "after a FAILOVER that failed");
  const bool two = isMaster(nodes_[old]);
  if (two && !aborted) return fail("two masters after FAILOVER: " + positions());
  if (!two && !forced &&
      (replication(*nodes_[old]).replica().view().syncing || nodes_[old]->fullResyncs() != fullResyncs)) {
    return fail("the old master needs a full resync after FAILOVER: " + positions());
  }
  // What the target lacked when it was forced, or what the old one took after ABORT, may be lost.
  const auto running = static_cast<int>(replicasThat(true).size());
  const auto all = static_cast<int>(nodes_.size()) - 1;
  if (!two && !forced) return tookOver(old, next, {.copies = 0}, "after FAILOVER");
  tookOver(old, next, {.copies = two ? Promises::kNever : running, .disks = two ? Promises::kNever : all},
           two ? "after FAILOVER and ABORT" : "after FAILOVER with FORCE");
}

void Roles::tookOver(size_t old, size_t target, const Needed& needed, const std::string& how) {
  holdClients();
  const bool lossy = needed.copies > 0;
  const bool two = !replication(*nodes_[old]).replica().view().replica;
  histories_.note(log(*nodes_[target]));
  current_ = target;
  follow(target, target);
  follow(old, target);
  if (two && !ask(world_, network_, nodes_[old]->address(), {{"REPLICAOF", nodes_[target]->host(), "6379"}}, false,
                  kAnswerAtMost)) {
    return fail(nodes_[old]->name() + " did not answer to REPLICAOF");
  }
  checkMaster(needed, how);
  if (lossy) promises_->lessCopies(world_.now());
  promises_->lessDisks(world_.now());
  promises_->masterReplaced();
  releaseClients();
}

}  // namespace vigil::sim
