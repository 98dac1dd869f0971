// A master that had working replicas and has none left gets one from the master that has most, if that one keeps more
// than cluster-migration-barrier. One replica moves at a time: of all that could, the one with the least id.
//
// Not thread safe; within a Step.
#pragma once

#include <unordered_map>

#include "cluster/ownership.h"
#include "cluster/step.h"

namespace vigil::cluster {

class ReplicaMigration {
 public:
  ReplicaMigration(State& state, Step& step, Ownership& ownership) : state_(state), step_(step), ownership_(ownership) {}

  void tick();

 private:
  // How many replicas that work each master has.
  using Counts = std::unordered_map<const Node*, size_t>;
  Counts workingReplicas() const;
  const Node* candidate(const Counts& counts, size_t most) const;

  State& state_;
  Step& step_;
  Ownership& ownership_;
};

}  // namespace vigil::cluster
