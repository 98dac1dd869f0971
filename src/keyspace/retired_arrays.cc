#include "keyspace/retired_arrays.h"

#include <algorithm>
#include <utility>

namespace vigil::keyspace {

void RetiredArrays::setReaders(size_t count) {
  readers_ = std::make_unique<Reader[]>(count);
  count_ = count;
}

std::vector<uint64_t> RetiredArrays::turns() const {
  std::vector<uint64_t> turns(count_);
  for (size_t i = 0; i < count_; ++i) turns[i] = readers_[i].turn.load();
  return turns;
}

bool RetiredArrays::seenByNone(const Retired& retired) const {
  for (size_t i = 0; i < count_; ++i) {
    const bool looked = (retired.turns[i] & 1) != 0;
    if (looked && readers_[i].turn.load() == retired.turns[i]) return false;
  }
  return true;
}

void RetiredArrays::retire(BucketArray array) {
  if (array.empty()) return;
  Retired retired{std::move(array), turns()};
  if (seenByNone(retired)) return;  // nearly always: a look takes a microsecond
  MutexLock guard(mutex_);
  retired_.push_back(std::move(retired));
  waiting_.store(retired_.size(), std::memory_order_relaxed);
}

void RetiredArrays::collect() {
  if (waiting() == 0) return;
  std::vector<Retired> freed;  // outside of the lock
  MutexLock guard(mutex_);
  auto keep = std::partition(retired_.begin(), retired_.end(), [this](const Retired& r) { return !seenByNone(r); });
  std::move(keep, retired_.end(), std::back_inserter(freed));
  retired_.erase(keep, retired_.end());
  waiting_.store(retired_.size(), std::memory_order_relaxed);
}

}  // namespace vigil::keyspace
