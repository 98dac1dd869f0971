// A value that one thread may replace while others read it: what an option of text or of several parts holds.
#pragma once

#include <string>
#include <utility>

#include "base/mutex.h"

namespace vigil {

// Thread safe. Not for the data path: every load() copies.
template <typename T>
class Shared {
 public:
  Shared() = default;
  explicit Shared(T value) : value_(std::move(value)) {}

  T load() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return value_;
  }
  void store(T value) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    value_ = std::move(value);
  }

 private:
  mutable Mutex mutex_;
  T value_ GUARDED_BY(mutex_){};
};

using SharedString = Shared<std::string>;

}  // namespace vigil
