// The machine's clocks: CLOCK_MONOTONIC and CLOCK_REALTIME (about 30 ns a call), and the processor's cycle counter for
// nanos(). Thread safe.
#pragma once

#include <string>

#include "base/ports/clock.h"

namespace vigil::runtime {

class MachineClock final : public Clock {
 public:
  // Takes two milliseconds: the counter's speed is measured.
  MachineClock();

  MonoUs mono() const override;
  UnixUs wall() const override;

  // What nanos() reads, as INFO's monotonic_clock says it.
  std::string describe() const;
};

}  // namespace vigil::runtime
