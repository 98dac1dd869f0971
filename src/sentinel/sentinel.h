// The Sentinel core: watches masters, agrees with other Sentinels that one is down, fails it over. Pure: it opens no
// socket and reads no clock; what it wants done, it returns, in the order in which it is to be done.
//
//   driver: an event --> step(now, event) --> persist, send, publish, … --> driver carries them out
//
// Not thread safe. Times are microseconds of a monotonic clock. Invariants are checked after each step in debug builds:
// no vote and no configuration of an epoch that is greater than the current one, no failover without an epoch.
#pragma once

#include <cstdint>

#include "sentinel/step.h"

namespace vigil::sentinel {

class Sentinel {
 public:
  // `dice`: any number; spreads what Sentinels would else do at the same moment.
  explicit Sentinel(uint64_t dice) { state_.dice = dice; }

  Effects step(MonoUs now, const Event& event);

  // What a command of our own clients does (see administration.h, judgement.h, discovery.h): `act` is given the Step.
  template <typename Act>
  Effects perform(MonoUs now, Act act) {
    Step step(state_, now);
    act(step);
    checkInvariants();
    return std::move(step.out);
  }

  // The moment at which a kTick is worth more than at the next regular one; INT64_MAX: none.
  MonoUs nextWake() const;
  bool inTilt() const { return state_.tiltSince != 0; }
  const State& state() const { return state_; }

 private:
  void tick(Step& step);
  void watchTime(Step& step);
  void dispatch(Step& step, Instance& instance, const Event& event);
  void reply(Step& step, Instance& instance, const Event& event);
  void checkInvariants() const;

  State state_;
};

// The period of kTick.
inline constexpr MonoUs kTickPeriod = ms(20);

}  // namespace vigil::sentinel
