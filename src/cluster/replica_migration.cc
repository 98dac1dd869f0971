#include "cluster/replica_migration.h"

#include <algorithm>

namespace vigil::cluster {

namespace {

constexpr MonoUs kOrphanPatience = 5'000'000;

size_t countOf(const std::unordered_map<const Node*, size_t>& counts, const Node* master) {
  const auto at = counts.find(master);
  return at == counts.end() ? 0 : at->second;
}

}  // namespace

// In one walk: this is asked ten times a second, and clusters have a thousand nodes.
ReplicaMigration::Counts ReplicaMigration::workingReplicas() const {
  Counts counts;
  for (const auto& [id, node] : state_.nodes()) {
    if (node->master != nullptr && !node->has(kPfail | kFail | kNoAddress)) ++counts[node->master];
  }
  return counts;
}

// Of the replicas of the masters that have most, the working one with the least id.
const Node* ReplicaMigration::candidate(const Counts& counts, size_t most) const {
  for (const auto& [id, node] : state_.nodes()) {
    if (node->master != nullptr && !node->failing() && countOf(counts, node->master) == most) return node.get();
  }
  return nullptr;
}

void ReplicaMigration::tick() {
  Node& me = state_.myself();
  Node* target = nullptr;
  const Counts counts = workingReplicas();
  size_t most = 0;
  for (const auto& [id, node] : state_.nodes()) {
    if (!node->isMaster() || node->failing()) continue;
    const size_t working = countOf(counts, node.get());
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
  const size_t ours = countOf(counts, me.master);
  if (ours != most || static_cast<int64_t>(ours) <= step_.options.migrationBarrier || candidate(counts, most) != &me) return;
  step_.notice("Migrating to orphaned master " + target->id);
  ownership_.follow(*target);
}

}  // namespace vigil::cluster
