#include "runtime/wakeup.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace vigil::runtime {

int orDie(int result, const char* call) {
  if (result >= 0) return result;
  std::perror(call);
  std::abort();
}

Wakeup::Wakeup() : descriptor_(orDie(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {}

Wakeup::~Wakeup() { close(descriptor_); }

void Wakeup::signal() {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the poller wakes up anyway.
  [[maybe_unused]] ssize_t written = write(descriptor_, &one, sizeof one);
}

void Wakeup::clear() {
  uint64_t wakeups;
  [[maybe_unused]] ssize_t got = read(descriptor_, &wakeups, sizeof wakeups);
}

}  // namespace vigil::runtime
