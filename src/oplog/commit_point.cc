#include "oplog/commit_point.h"

namespace vigil::oplog {

void CommitPoint::advance(Offset safe) {
  if (safe_.exchange(safe, std::memory_order_acq_rel) == safe) return;
  MutexLock guard(mutex_);
  for (auto& moved : listeners_) moved();
}

void CommitPoint::addListener(std::function<void()> moved) {
  MutexLock guard(mutex_);
  listeners_.push_back(std::move(moved));
}

}  // namespace vigil::oplog
