#include "cluster/manual_failover.h"

#include <utility>

#include "cluster/planted_bugs.h"

namespace vigil::cluster {

namespace {

constexpr MonoUs kPatience = 5'000'000;
constexpr MonoUs kLookAgain = 5'000;  // whether the rest of the master's log has been applied

}  // namespace

void ManualFailover::begin(bool force) {
  step_.notice(force ? "Forced failover user request accepted." : "Manual failover user request accepted.");
  if (until_ != 0 && replica_.empty()) {  // under way: it goes on, without the master if that is what is wanted now
    if (force && !std::exchange(ready_, true)) until_ = step_.now.mono + kPatience;
    return;
  }
  stop();
  until_ = step_.now.mono + kPatience;
  ready_ = force;
  const std::string cause = force ? "CLUSTER FAILOVER FORCE" : "CLUSTER FAILOVER";
  journal_.begin(*state_.myself().master, cause).reached(cause, step_.now.mono);
  if (!force) speaker_.requestManualFailover(*state_.myself().master);
}

void ManualFailover::asked(Node& replica) {
  if (!state_.myself().isMaster() || replica.master != &state_.myself()) return;
  stop();
  until_ = step_.now.mono + kPatience;
  replica_ = replica.id;
  step_.warning("Manual failover requested by replica " + replica.id + ".");
  journal_.begin(state_.myself(), "CLUSTER FAILOVER at " + replica.id);
  step_.out.push_back({.kind = Effect::Kind::kPauseWrites, .milliseconds = 2 * kPatience / 1000});
  step_.resume = false;  // of an attempt before
}

void ManualFailover::writesPaused() {
  if (replica_.empty()) {  // given up meanwhile
    step_.resume = true;
    return;
  }
  paused_ = true;
  speaker_.setPaused(true);
  journal_.reached(state_.myself(), "writes held back");
  if (FailoverReport* report = journal_.of(state_.myself())) report->oldMasterHad(step_.around.offset, step_.now.mono);
  if (Node* replica = state_.find(replica_)) speaker_.ping(*replica);
}

void ManualFailover::masterPaused(uint64_t offset) {
  if (until_ == 0 || ready_ || end_) return;
  end_ = offset;
  journal_.reached(*state_.myself().master, "writes held back");
  if (FailoverReport* report = journal_.of(*state_.myself().master)) report->oldMasterHad(offset, step_.now.mono);
  step_.notice("Received replication offset for paused master manual failover: " + std::to_string(offset));
  tick();
}

void ManualFailover::tick() {
  if (until_ == 0) return;
  if (step_.now.mono > until_) {
    step_.warning("Manual failover timed out.");
    return stop();
  }
  if (paused_) {
    if (Node* replica = state_.find(replica_)) speaker_.ping(*replica);
  }
  if (!end_ || ready_) return;
  if (step_.around.offset < *end_ && !planted(kHandOverEarly)) return step_.wake(step_.now.mono + kLookAgain);
  ready_ = true;
  journal_.reached(*state_.myself().master, "all applied");
  step_.notice("All master replication stream processed, manual failover can start.");
}

void ManualFailover::followRole() {
  const bool wantedAsMaster = !replica_.empty();
  if (until_ != 0 && wantedAsMaster != state_.myself().isMaster()) stop();
}

void ManualFailover::stop() {
  if (paused_) step_.resume = true;
  if (until_ != 0) {
    const Node& me = state_.myself();
    const Node* master = replica_.empty() ? me.master : &me;
    if (master != nullptr && !master->has(kFail)) journal_.giveUp(*master, "the hand-over has not come about");
  }
  speaker_.setPaused(false);
  until_ = 0;
  ready_ = paused_ = false;
  end_.reset();
  replica_.clear();
}

}  // namespace vigil::cluster
