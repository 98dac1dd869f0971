// Port: time. Production reads the machine's clocks, the simulator its virtual ones.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace vigil {

using MonoUs = int64_t;  // microseconds on a clock that never jumps and has no meaning outside the process
using UnixUs = int64_t;  // microseconds since 1970-01-01 UTC; may jump when the machine's clock is set
using UnixMs = int64_t;  // milliseconds since 1970-01-01 UTC

// Thread safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoUs mono() const = 0;
  virtual UnixUs wall() const = 0;

  // Nanoseconds since some moment, to measure what is short: the difference of two readings on one thread. Where the
  // processor has a counter that runs at one speed whatever it does, that is read, at half the price of mono().
  int64_t nanos() const {
#if defined(__x86_64__)
    if (cycles_.scale != 0) [[likely]] {
      __extension__ using Product = unsigned __int128;
      return static_cast<int64_t>(static_cast<Product>(__rdtsc() - cycles_.start) * cycles_.scale >> kScaleBits);
    }
#endif
    return mono() * 1000;
  }

 protected:
  static constexpr int kScaleBits = 32;
  struct Cycles {
    uint64_t start = 0;
    uint64_t scale = 0;  // nanoseconds per cycle, times 2^kScaleBits; 0: there is no such counter
  };
  Cycles cycles_;  // set by who implements the port, before anybody reads
};

}  // namespace vigil
