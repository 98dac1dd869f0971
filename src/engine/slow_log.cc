#include "engine/slow_log.h"

#include <algorithm>
#include <utility>

namespace vigil::engine {

void SlowLog::add(Entry entry, size_t length) {
  MutexLock guard(mutex_);
  entry.id = nextId_++;
  entries_.push_front(std::make_shared<const Entry>(std::move(entry)));
  while (entries_.size() > length) entries_.pop_back();
}

std::vector<SlowLog::EntryPtr> SlowLog::newest(size_t most) const {
  MutexLock guard(mutex_);
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, entries_.size()));
  return {entries_.begin(), entries_.begin() + count};
}

size_t SlowLog::length() const {
  MutexLock guard(mutex_);
  return entries_.size();
}

void SlowLog::reset() {
  std::deque<EntryPtr> old;
  MutexLock guard(mutex_);
  old.swap(entries_);
}

std::vector<std::string> SlowLog::trim(std::span<const std::string_view> args, std::span<const size_t> hidden) {
  constexpr size_t kMostArgs = 32;
  constexpr size_t kMostBytes = 128;
  const size_t count = std::min(args.size(), kMostArgs);
  std::vector<std::string> kept;
  kept.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    if (i + 1 == count && args.size() > count) {
      kept.push_back("... (" + std::to_string(args.size() - count + 1) + " more arguments)");
    } else if (std::ranges::binary_search(hidden, i)) {
      kept.emplace_back("(redacted)");
    } else if (args[i].size() > kMostBytes) {
      kept.push_back(std::string(args[i].substr(0, kMostBytes)) + "... (" +
                     std::to_string(args[i].size() - kMostBytes) + " more bytes)");
    } else {
      kept.emplace_back(args[i]);
    }
  }
  return kept;
}

}  // namespace vigil::engine
