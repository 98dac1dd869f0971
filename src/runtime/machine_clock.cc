#include "runtime/machine_clock.h"

#include <ctime>

namespace vigil::runtime {

namespace {
int64_t microseconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}
}  // namespace

MonoUs MachineClock::mono() const { return microseconds(CLOCK_MONOTONIC); }
UnixUs MachineClock::wall() const { return microseconds(CLOCK_REALTIME); }

}  // namespace vigil::runtime
