#include "cluster/manual_failover.h"

#include "cluster/planted_bugs.h"

namespace vigil::cluster {

namespace {

constexpr MonoUs kPatience = 5'000'000;
constexpr MonoUs kLookAgain = 5'000;  // whether the rest of the master's log has been applied

}  // namespace

void ManualFailover::begin(bool force) {
  stop();
  until_ = step_.now.mono + kPatience;
  ready_ = force;
  step_.notice(force ? "Forced failover user request accepted." : "Manual failover user request accepted.");
  if (!force) speaker_.requestManualFailover(*state_.myself().master);
}

void ManualFailover::asked(Node& replica) {
  if (!state_.myself().isMaster() || replica.master != &state_.myself()) return;
  stop();
  until_ = step_.now.mono + kPatience;
  replica_ = replica.id;
  step_.warning("Manual failover requested by replica " + replica.id + ".");
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
  if (Node* replica = state_.find(replica_)) speaker_.ping(*replica);
}

void ManualFailover::masterPaused(uint64_t offset) {
  if (until_ == 0 || ready_ || end_) return;
  end_ = offset;
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
  step_.notice("All master replication stream processed, manual failover can start.");
}

void ManualFailover::followRole() {
  const bool wantedAsMaster = !replica_.empty();
  if (until_ != 0 && wantedAsMaster != state_.myself().isMaster()) stop();
}

void ManualFailover::stop() {
  if (paused_) step_.resume = true;
  speaker_.setPaused(false);
  until_ = 0;
  ready_ = paused_ = false;
  end_.reset();
  replica_.clear();
}

}  // namespace vigil::cluster
