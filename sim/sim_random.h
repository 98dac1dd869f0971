// The simulator's dice: every choice of a run comes from here, so a run is a function of its seed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vigil::sim {

class SimRandom {
 public:
  // Scrambled twice: the sequences of near seeds are not one sequence from different places.
  explicit SimRandom(uint64_t seed) : state_(seed ^ 0x2545f4914f6cdd1dULL) { state_ = next() ^ (next() << 1); }

  uint64_t next() {  // splitmix64
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t limit) { return limit == 0 ? 0 : next() % limit; }
  int64_t between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(below(static_cast<uint64_t>(most - least) + 1));
  }
  bool chance(double probability) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability; }
  // Mostly near `least`, seldom as much as `most`: each doubling is half as likely.
  int64_t skewed(int64_t least, int64_t most) {
    int64_t top = least + 1;
    while (top < most && chance(0.5)) top *= 2;
    return between(least, top < most ? top : most);
  }

 private:
  uint64_t state_;
};

}  // namespace vigil::sim
