#include "runtime/machine_entropy.h"

#include <sys/random.h>

#include <array>
#include <bit>
#include <cstdlib>

namespace vigil::runtime {

namespace {

// xoshiro256** 1.0 by Blackman and Vigna (public domain): https://prng.di.unimi.it/
struct Generator {
  std::array<uint64_t, 4> state;

  Generator() {
    do {
      if (getrandom(state.data(), sizeof state, 0) != sizeof state) std::abort();  // cannot fail for 32 bytes
    } while ((state[0] | state[1] | state[2] | state[3]) == 0);  // the one state from which it never moves
  }

  uint64_t next() {
    const uint64_t result = std::rotl(state[1] * 5, 7) * 9;
    const uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = std::rotl(state[3], 45);
    return result;
  }
};

}  // namespace

uint64_t MachineEntropy::next64() {
  static thread_local Generator generator;
  return generator.next();
}

}  // namespace vigil::runtime
