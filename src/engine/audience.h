// Who wants to hear of what commands do, as one word: what every unit of execution looks at, once, to see that nobody
// does. Thread safe.
#pragma once

#include <atomic>
#include <cstdint>

namespace vigil::engine {

class Audience {
 public:
  // The low bits are command::EventClass: the classes of events to be published.
  static constexpr uint32_t kEventClasses = 0xFFFF;
  static constexpr uint32_t kKeyspaceChannels = 1u << 16;  // K: events go to __keyspace@<db>__:<key>
  static constexpr uint32_t kKeyeventChannels = 1u << 17;  // E: and to __keyevent@<db>__:<event>
  static constexpr uint32_t kTracking = 1u << 18;          // some client caches what it reads
  static constexpr uint32_t kMonitors = 1u << 19;

  uint32_t load() const { return wants_.load(std::memory_order_relaxed); }
  // In place of the bits in `mask`.
  void set(uint32_t mask, uint32_t bits) {
    uint32_t wants = wants_.load(std::memory_order_relaxed);
    while (!wants_.compare_exchange_weak(wants, (wants & ~mask) | bits)) {
    }
  }

 private:
  std::atomic<uint32_t> wants_{0};
};

}  // namespace vigil::engine
