// Port: time. Production reads the machine's clocks, the simulator its virtual ones.
#pragma once

#include <cstdint>

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
};

}  // namespace vigil
