// One step of the core under way: when it happens, what surrounds it, and what it has asked for so far. The classes of
// this folder share it; Cluster begins and ends it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "cluster/effect.h"
#include "cluster/options.h"
#include "cluster/state.h"

namespace vigil::cluster {

// Dice that a seed decides (splitmix64).
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t bound) { return next() % bound; }
  std::string nodeId() {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string id;
    while (id.size() < kNodeIdSize) {
      uint64_t bits = next();
      for (int i = 0; i < 8; ++i, bits >>= 4) id += kDigits[bits & 15];
    }
    return id;
  }

 private:
  uint64_t state_;
};

struct Step {
  explicit Step(uint64_t seed) : dice(seed) {}

  Moment now;
  Surroundings around;
  Options options;
  Dice dice;
  Effects out;

  // What the step's end must see to.
  bool save = false;     // nodes.conf has changed
  bool durable = false;  // and must be on disk before anything leaves
  bool route = false;    // what the engine serves has changed
  bool judge = false;    // whether the cluster is up must be judged anew
  bool resume = false;   // writes that were held back go on, once the engine knows whom it serves
  MonoUs wakeAt = 0;     // a tick is wanted then at the latest; 0: whenever

  void log(LogLevel level, std::string text) {
    out.push_back({.kind = Effect::Kind::kLog, .text = std::move(text), .level = level});
  }
  void notice(std::string text) { log(LogLevel::kNotice, std::move(text)); }
  void warning(std::string text) { log(LogLevel::kWarning, std::move(text)); }
  void persist() { save = durable = true; }
  void slotsChanged() { save = route = judge = true; }
  void wake(MonoUs at) {
    if (wakeAt == 0 || at < wakeAt) wakeAt = at;
  }
  UnixMs wallOf(MonoUs at) const { return at == 0 ? 0 : now.wall - (now.mono - at) / 1000; }
};

}  // namespace vigil::cluster
