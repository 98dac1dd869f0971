#include "runtime/memory_return.h"

#include <algorithm>

#if !defined(VIGIL_SANITIZED)
#include <mimalloc.h>
#endif

namespace vigil::runtime {

namespace {

constexpr int64_t kTolerated = 64 << 20;  // or an eighth of what is used, if that is more

void returnPages([[maybe_unused]] bool atOnce) {
#if !defined(VIGIL_SANITIZED)
  constexpr long kUsualDelayMs = 25;  // mimalloc's own
  mi_option_set(mi_option_decommit_delay, atOnce ? 0 : kUsualDelayMs);
#endif
}

}  // namespace

bool MemoryReturn::step(int64_t used, int64_t resident) {
  const int64_t tolerated = std::max(kTolerated, used / 8);
  const bool tooMuch = resident - used > tolerated;
  if (tooMuch != atOnce_) returnPages(tooMuch);
  atOnce_ = tooMuch;
  highest_ = std::max(highest_, used);
  if (!tooMuch || highest_ - used < tolerated) return false;
  highest_ = used;
  return true;
}

}  // namespace vigil::runtime
