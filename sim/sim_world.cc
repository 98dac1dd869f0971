#include "sim/sim_world.h"

#include <algorithm>
#include <cinttypes>

namespace vigil::sim {

void SimWorld::at(SimTime when, Action action) {
  queue_.push_back({std::max(when, now()), ++made_, std::move(action)});
  std::push_heap(queue_.begin(), queue_.end(), later);
}

void SimWorld::step() {
  std::pop_heap(queue_.begin(), queue_.end(), later);
  Event event = std::move(queue_.back());
  queue_.pop_back();
  time_ = std::max(time_, event.when);
  spent_ = 0;
  ++events_;
  event.action();
  event.action = nullptr;  // what it owned goes in the same step
  spent_ = 0;
  if (watch_) watch_();
}

void SimWorld::runUntil(SimTime until) {
  while (!queue_.empty() && queue_.front().when <= until) step();
  time_ = std::max(time_, until);
}

bool SimWorld::runUntil(const std::function<bool()>& done, SimTime atMost) {
  const SimTime until = now() + atMost;
  while (!done()) {
    if (queue_.empty() || queue_.front().when > until) {
      time_ = std::max(time_, until);
      return done();
    }
    step();
  }
  return true;
}

void SimWorld::trace(std::string_view who, std::string_view what) {
  auto mix = [this](std::string_view bytes) {
    for (char c : bytes) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  };
  SimTime when = now();
  mix({reinterpret_cast<const char*>(&when), sizeof when});
  mix(who);
  mix(what);
  if (printTo_) {
    std::fprintf(printTo_, "%4" PRId64 ".%06" PRId64 " %-10.*s %.*s\n", when / kSecond, when % kSecond,
                 static_cast<int>(who.size()), who.data(), static_cast<int>(what.size()), what.data());
  }
}

}  // namespace vigil::sim
