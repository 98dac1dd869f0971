// Randomness: one xoshiro256** generator per thread, seeded by the kernel at the thread's first call. Thread safe, a
// few nanoseconds a call. Good for ids, samples and jitter; not for keys that an attacker must not guess.
#pragma once

#include "base/ports/entropy.h"

namespace vigil::runtime {

class MachineEntropy final : public Entropy {
 public:
  uint64_t next64() override;
};

}  // namespace vigil::runtime
