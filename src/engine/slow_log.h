// The slow log: the last commands that took longer than slowlog-log-slower-than. Thread safe; its lock is a leaf, and
// taken for slow commands and for whoever reads.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace vigil::engine {

class SlowLog {
 public:
  struct Entry {
    int64_t id = 0;
    int64_t time = 0;  // when it was logged, Unix seconds
    int64_t microseconds = 0;
    std::vector<std::string> args;  // trimmed
    std::string address;
    std::string name;  // of the client
  };
  using EntryPtr = std::shared_ptr<const Entry>;

  // Gives the entry its number. Of the entries the newest `length` stay.
  void add(Entry entry, size_t length);
  std::vector<EntryPtr> newest(size_t most) const;  // the newest first
  size_t length() const;
  void reset();  // numbers go on

  // The arguments as an entry keeps them: at most 32, of at most 128 bytes each, and what was left out as a remark.
  // Those at the places `hidden` (ascending) are secrets.
  static std::vector<std::string> trim(std::span<const std::string_view> args, std::span<const size_t> hidden);

 private:
  mutable Mutex mutex_;
  std::deque<EntryPtr> entries_ GUARDED_BY(mutex_);  // the newest first
  int64_t nextId_ GUARDED_BY(mutex_) = 0;
};

}  // namespace vigil::engine
