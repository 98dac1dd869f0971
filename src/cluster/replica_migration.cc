#include "cluster/replica_migration.h"

#include <algorithm>

namespace vigil::cluster {

namespace {

constexpr MonoUs kOrphanPatience = 5'000'000;

}  // namespace

size_t ReplicaMigration::workingReplicas(const Node& master) const {
  return static_cast<size_t>(std::ranges::count_if(
      state_.replicasOf(master), [](const Node* replica) { return !replica->has(kPfail | kFail | kNoAddress); }));
}

// Of the replicas of the masters that have most, the working one with the least id.
const Node* ReplicaMigration::candidate(size_t most) const {
  for (const auto& [id, node] : state_.nodes()) {
    if (node->master != nullptr && !node->failing() && workingReplicas(*node->master) == most) return node.get();
  }
  return nullptr;
}

void ReplicaMigration::tick() {
  Node& me = state_.myself();
  Node* target = nullptr;
  size_t most = 0;
  for (const auto& [id, node] : state_.nodes()) {
    if (!node->isMaster() || node->failing()) continue;
    const size_t working = workingReplicas(*node);
    most = std::max(most, working);
    if (working != 0 || !node->votes() || !node->has(kMigrateTo)) {
      node->orphanedSince = 0;
    } else if (node->orphanedSince == 0) {
      node->orphanedSince = step_.now.mono;
    } else if (target == nullptr && step_.now.mono - node->orphanedSince > kOrphanPatience) {
      target = node.get();
    }
  }
  if (target == nullptr || !step_.options.allowReplicaMigration || !state_.up || me.master == nullptr || most < 2) return;
  const size_t ours = workingReplicas(*me.master);
  if (ours != most || static_cast<int64_t>(ours) <= step_.options.migrationBarrier || candidate(most) != &me) return;
  step_.notice("Migrating to orphaned master " + target->id);
  ownership_.follow(*target);
}

}  // namespace vigil::cluster
