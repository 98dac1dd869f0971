// Virtual time: a queue of events, one pair of dice, and a trace. Nothing in a run happens except as an event here, so
// a run is a pure function of its seed.
//
// A step (one event) happens at one moment; what it does that takes time (a slow disk) it says with spend(), and what
// it causes from then on happens that much later. Steps run to their end, one at a time, on the one real thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/sim_random.h"

namespace vigil::sim {

using SimTime = int64_t;  // microseconds since the run began

inline constexpr SimTime kMs = 1000;
inline constexpr SimTime kSecond = 1'000'000;
inline constexpr SimTime kForever = INT64_MAX;

class SimWorld {
 public:
  using Action = std::move_only_function<void()>;

  explicit SimWorld(uint64_t seed) : seed_(seed), random_(seed) {}
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  uint64_t seed() const { return seed_; }
  SimRandom& random() { return random_; }

  SimTime now() const { return time_ + spent_; }
  // The running step takes this long.
  void spend(SimTime duration) { spent_ += duration; }

  void at(SimTime when, Action action);
  void after(SimTime delay, Action action) { at(now() + delay, std::move(action)); }

  // Runs events until virtual time `until`.
  void runUntil(SimTime until);
  void runFor(SimTime duration) { runUntil(now() + duration); }
  // Runs events until `done` or for at most `atMost`; whether it was done.
  bool runUntil(const std::function<bool()>& done, SimTime atMost);

  // Called after every event, with what has become of the world.
  void setWatch(std::function<void()> watch) { watch_ = std::move(watch); }

  uint64_t events() const { return events_; }

  // One line of the run's history: hashed always, printed when somebody wants to read it.
  void trace(std::string_view who, std::string_view what);
  uint64_t traceHash() const { return hash_; }
  void printTrace(std::FILE* to) { printTo_ = to; }
  bool printing() const { return printTo_ != nullptr; }

 private:
  struct Event {
    SimTime when;
    uint64_t number;  // ties: in the order in which they were made
    Action action;
  };
  static bool later(const Event& a, const Event& b) { return a.when != b.when ? a.when > b.when : a.number > b.number; }
  void step();

  const uint64_t seed_;
  SimRandom random_;
  SimTime time_ = 0;
  SimTime spent_ = 0;
  std::vector<Event> queue_;
  uint64_t made_ = 0;
  uint64_t events_ = 0;
  uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::FILE* printTo_ = nullptr;
  std::function<void()> watch_;
};

}  // namespace vigil::sim
