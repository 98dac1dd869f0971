// Whether this node may serve: the cluster is up while a majority of the masters that own slots can be reached and, if
// full coverage is demanded, every slot has an owner that has not failed. After a minority, and after its start, a master
// waits a little before it serves again: others may have taken over what it owned.
//
// Not thread safe; within a Step.
#pragma once

#include "cluster/step.h"

namespace vigil::cluster {

class Health {
 public:
  Health(State& state, Step& step) : state_(state), step_(step) {}

  void judge();
  // This process did not run for `pause`. Others may have replaced it meanwhile, and it has only its own silence to
  // blame for what it did not hear.
  void woke(MonoUs pause);

 private:
  bool covered() const;
  bool majorityReachable() const;

  State& state_;
  Step& step_;
  MonoUs startedAt_ = 0;    // the first judgement
  MonoUs minorityAt_ = 0;   // when we were last cut off
};

}  // namespace vigil::cluster
