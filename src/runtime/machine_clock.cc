#include "runtime/machine_clock.h"

#include <cmath>
#include <ctime>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace vigil::runtime {

namespace {

int64_t microseconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

#if defined(__x86_64__)
// The processor promises that its counter runs at one speed in all its states, the same on all cores.
bool hasSteadyCounter() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kPowerManagement = 0x80000007, kInvariantCounter = 1u << 8;
  return __get_cpuid(kPowerManagement, &a, &b, &c, &d) != 0 && (d & kInvariantCounter) != 0;
}

int64_t nanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

struct Reading {
  uint64_t cycles;
  int64_t nanos;
};

// Both clocks at one moment: of several attempts the one that was interrupted least.
Reading readBoth() {
  Reading best{};
  uint64_t shortest = UINT64_MAX;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const uint64_t before = __rdtsc();
    const int64_t now = nanoseconds();
    const uint64_t after = __rdtsc();
    if (after - before >= shortest) continue;
    shortest = after - before;
    best = {before + shortest / 2, now};
  }
  return best;
}
#endif

}  // namespace

MachineClock::MachineClock() {
#if defined(__x86_64__)
  if (!hasSteadyCounter()) return;
  constexpr int64_t kMeasured = 2'000'000;
  const Reading first = readBoth();
  Reading last = first;
  while (last.nanos - first.nanos < kMeasured) last = readBoth();
  const double perCycle =
      static_cast<double>(last.nanos - first.nanos) / static_cast<double>(last.cycles - first.cycles);
  cycles_.start = first.cycles;
  cycles_.scale = static_cast<uint64_t>(std::llround(std::ldexp(perCycle, kScaleBits)));
#endif
}

MonoUs MachineClock::mono() const { return microseconds(CLOCK_MONOTONIC); }
UnixUs MachineClock::wall() const { return microseconds(CLOCK_REALTIME); }

std::string MachineClock::describe() const {
  if (cycles_.scale == 0) return "POSIX clock_gettime";
  const auto perMicrosecond = std::llround(std::ldexp(1000.0, kScaleBits) / static_cast<double>(cycles_.scale));
  return "X86 TSC @ " + std::to_string(perMicrosecond) + " ticks/us";
}

}  // namespace vigil::runtime
