#include "engine/acl/acl_log.h"

#include <algorithm>

namespace vigil::engine::acl {

void AclLog::add(LogEntry entry, UnixMs now, size_t longest) {
  counts_[static_cast<size_t>(entry.reason)].fetch_add(1, std::memory_order_relaxed);
  MutexLock guard(mutex_);
  auto end = entries_.begin() + static_cast<ptrdiff_t>(std::min(kLookedAt, entries_.size()));
  auto same = std::find_if(entries_.begin(), end, [&](const LogEntry& known) {
    return known.reason == entry.reason && known.context == entry.context && now - known.updated <= kTogetherMs &&
           known.object == entry.object && known.user == entry.user;
  });
  entry.created = entry.updated = now;
  if (same != end) {
    entry.id = same->id;
    entry.count = same->count + 1;
    entry.created = same->created;
    entries_.erase(same);
  } else {
    entry.id = nextId_++;
  }
  entries_.push_front(std::move(entry));
  if (entries_.size() > longest) entries_.resize(longest);
}

std::vector<LogEntry> AclLog::newest(size_t count) const {
  MutexLock guard(mutex_);
  return {entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(std::min(count, entries_.size()))};
}

void AclLog::clear() {
  MutexLock guard(mutex_);
  entries_.clear();
}

}  // namespace vigil::engine::acl
