// Who owns which slot: a claim with a greater configuration epoch wins. Whoever claims with an old one is told better; two
// masters with the same epoch part.
//
// Not thread safe; within a Step.
#pragma once

#include "cluster/failover_journal.h"
#include "cluster/speaker.h"
#include "cluster/step.h"

namespace vigil::cluster {

class Ownership {
 public:
  Ownership(State& state, Step& step, Speaker& speaker, FailoverJournal& journal)
      : state_(state), step_(step), speaker_(speaker), journal_(journal) {}

  // What a master says of itself, before it is believed: slots of it that it does not name are anybody's, whatever the epoch.
  void compare(const Node& sender, const SlotSet& slots);
  // A master's claim, by its header or by an UPDATE about it.
  void claimed(Node& by, uint64_t epoch, const SlotSet& slots);
  // The sender of a header may not know who has taken over what it claims.
  void correct(Node& sender, uint64_t epoch, const SlotSet& slots);
  // A master with our own configuration epoch: the lesser id takes a new one.
  void resolveCollision(const Node& other);
  // A new configuration epoch without asking anybody: false if ours is the greatest already.
  bool bumpEpoch();

  // Who goes on with the shard of a master that has lost its last slots to `by`.
  Node& heirOf(const Node& head, Node& by);
  // We become a replica of `master`; kFollow.
  void follow(Node& master);
  // Where our master's address changed, or it became a replica itself: follow on.
  void keepFollowing();
  // Follow anew: its address has changed.
  void followAgain();

 private:
  State& state_;
  Step& step_;
  Speaker& speaker_;
  FailoverJournal& journal_;
};

}  // namespace vigil::cluster
