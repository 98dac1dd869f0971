#include "oplog/commit_point.h"

namespace vigil::oplog {

void CommitPoint::advance(Offset safe) {
  if (safe_.exchange(safe) != safe) wake();
}

bool CommitPoint::mustWait(Offset offset) {
  if (reached(offset)) return false;
  waiting_.store(true);
  return offset > safe_.load();  // again: it may have moved before it was seen that somebody waits
}

void CommitPoint::wake() {
  if (!waiting_.load() || !waiting_.exchange(false)) return;
  MutexLock guard(mutex_);
  for (auto& moved : listeners_) moved();
}

void CommitPoint::addListener(std::function<void()> moved) {
  MutexLock guard(mutex_);
  listeners_.push_back(std::move(moved));
}

}  // namespace vigil::oplog
