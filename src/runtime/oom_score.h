// The process's standing with the kernel's out-of-memory killer. Thread safe; a few bytes to a file under /proc.
#pragma once

#include <cstdint>
#include <optional>

#include "base/mutex.h"
#include "base/result.h"

namespace vigil {
class Logger;
}

namespace vigil::runtime {

class OomScore {
 public:
  explicit OomScore(Logger& log) : log_(log) {}

  enum class Mode { kNo, kRelative, kAbsolute };
  // Sets the score to `value`, or to what the process began with plus `value`; kNo: to what it began with. The error is
  // in the log.
  Status set(Mode mode, int64_t value) EXCLUDES(mutex_);

 private:
  Logger& log_;
  Mutex mutex_;
  std::optional<int64_t> original_ GUARDED_BY(mutex_);
  bool changed_ GUARDED_BY(mutex_) = false;
};

}  // namespace vigil::runtime
