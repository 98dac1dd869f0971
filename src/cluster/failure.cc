#include "cluster/failure.h"

#include <algorithm>

namespace vigil::cluster {

namespace {

constexpr int64_t kReportsValid = 2;   // node timeouts for which a report counts
constexpr int64_t kUndoAfter = 2;      // node timeouts after which a master whose slots nobody took is taken back
constexpr int kHeardFirst = 5;         // masters that hear of a suspicion at once

}  // namespace

void FailureDetector::tick() {
  const MonoUs timeout = step_.options.nodeTimeout;
  for (const auto& [id, owned] : state_.nodes()) {
    Node& node = *owned;
    if (node.has(kMyself | kNoAddress | kHandshake)) continue;
    expireReports(node);
    if (node.failing()) {
      maybeFail(node);
      continue;
    }
    if (refusedForLong(node)) {
      suspect(node, "connections refused", node.refusedSince);
    } else if (node.pingSent != 0) {
      // Whatever comes from it shows that it lives, also while our ping is under way behind something large.
      const MonoUs silentSince = std::max(node.pingSent, node.heard);
      if (step_.now.mono - silentSince > timeout) {
        suspect(node, "no answer", silentSince);
      } else {
        step_.wake(silentSince + timeout + 1);
      }
    }
  }
}

bool FailureDetector::refusedForLong(const Node& node) const {
  const MonoUs patience = step_.options.refusedTimeout;
  if (patience == 0 || node.refusedSince == 0) return false;
  if (step_.now.mono - node.refusedSince < patience) {
    step_.wake(node.refusedSince + patience);
    return false;
  }
  // A master that nobody could replace is given the whole time to come back.
  return !node.isMaster() || hasElectableReplica(node);
}

bool FailureDetector::hasElectableReplica(const Node& master) const {
  return std::ranges::any_of(state_.replicasOf(master),
                             [](const Node* replica) { return !replica->failing() && !replica->has(kNoFailover); });
}

void FailureDetector::refused(Node& node) {
  if (node.refusedSince == 0) node.refusedSince = step_.now.mono;
  if (node.pingSent == 0) node.pingSent = step_.now.mono;  // none can even be sent
}

void FailureDetector::suspect(Node& node, std::string_view why, MonoUs since) {
  node.add(kPfail);
  step_.judge = true;
  if (node.votes()) {
    const std::string cause = std::string(why) + " for " + std::to_string((step_.now.mono - since) / 1000) + " ms";
    journal_.begin(node, cause).seenBy(state_.myself().id, step_.now.mono);
  }
  spreadSuspicion(node);
  maybeFail(node);
}

// Those who can make a failure of it hear at once: the replicas, which wait for it, and a few masters, of whom the first to
// know of a majority tells everybody. More would be a storm in a large cluster; gossip reaches the others.
void FailureDetector::spreadSuspicion(const Node& node) {
  if (!state_.myself().votes()) return;
  int masters = 0;
  for (const auto& [id, to] : state_.nodes()) {
    if (to->isMyself() || to.get() == &node || to->failing()) continue;
    if (to->master == &node || (to->votes() && ++masters <= kHeardFirst)) speaker_.report(*to);
  }
}

void FailureDetector::expireReports(Node& node) {
  const MonoUs oldest = step_.now.mono - step_.options.nodeTimeout * kReportsValid;
  std::erase_if(node.reports, [&](const auto& report) { return report.second < oldest; });
}

size_t FailureDetector::reportCount(const Node& node) const {
  const MonoUs oldest = step_.now.mono - step_.options.nodeTimeout * kReportsValid;
  return static_cast<size_t>(std::ranges::count_if(node.reports, [&](const auto& report) { return report.second >= oldest; }));
}

void FailureDetector::maybeFail(Node& node) {
  if (!node.has(kPfail)) return;
  const size_t agreeing = reportCount(node) + (state_.myself().votes() ? 1 : 0);
  if (agreeing < state_.quorum()) return;
  step_.notice("Marking node " + node.id + " as failing (quorum reached).");
  setFailed(node);
  speaker_.failed(node);
}

void FailureDetector::setFailed(Node& node) {
  node.drop(kPfail);
  node.add(kFail);
  node.failedSince = step_.now.mono;
  step_.save = step_.judge = step_.route = true;
  journal_.reached(node, "failed");
}

void FailureDetector::reported(Node& about, const Node& by, bool failing) {
  if (about.isMyself() || !by.votes()) return;
  if (!failing) {
    if (about.reports.erase(by.id) != 0) {
      step_.log(LogLevel::kVerbose, "Node " + by.id + " reported node " + about.id + " is back online.");
    }
    return;
  }
  if (about.reports.insert_or_assign(by.id, step_.now.mono).second) {
    step_.log(LogLevel::kVerbose, "Node " + by.id + " reported node " + about.id + " as not reachable.");
    if (FailoverReport* report = journal_.of(about)) report->seenBy(by.id, step_.now.mono);
  }
  maybeFail(about);
}

void FailureDetector::announced(const Node& by, std::string_view id) {
  Node* failed = state_.find(id);
  if (failed == nullptr) {
    return step_.notice("Ignoring FAIL message from unknown node " + by.id + " about " + std::string(id));
  }
  if (failed->has(kFail | kMyself)) return;
  step_.notice("FAIL message received from " + by.id + " about " + failed->id);
  if (failed->votes()) journal_.begin(*failed, "said to have failed by " + by.id).seenBy(by.id, step_.now.mono);
  setFailed(*failed);
}

void FailureDetector::answered(Node& node) {
  node.pongReceived = step_.now.mono;
  node.pingSent = 0;
  node.refusedSince = 0;
  if (node.has(kPfail)) {
    node.drop(kPfail);
    journal_.dismiss(node);
    step_.save = step_.judge = true;
  } else if (node.has(kFail)) {
    const bool unneeded = !node.votes();
    if (!unneeded && step_.now.mono - node.failedSince <= step_.options.nodeTimeout * kUndoAfter) return;
    step_.notice("Clear FAIL state for node " + node.id + ": " +
                 (unneeded ? std::string(node.isReplica() ? "replica" : "master without slots") + " is reachable again."
                           : "is reachable again and nobody is serving its slots after some time."));
    node.drop(kFail);
    journal_.giveUp(node, "it answers again, and nobody has taken its place");
    step_.save = step_.judge = step_.route = true;
  }
}

}  // namespace vigil::cluster
