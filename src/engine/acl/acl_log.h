// ACL LOG: what was refused lately, newest first. Thread safe; a leaf lock.
//
// The same refusal (reason, context, object and user) again within a minute is counted in the entry that is there, if
// that is among the newest ones.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/ports/clock.h"

namespace vigil::engine::acl {

enum class DenialReason : uint8_t { kCommand, kKey, kAuth, kChannel };
enum class DenialContext : uint8_t { kTopLevel, kMulti, kScript, kModule };

struct LogEntry {
  uint64_t id = 0;  // grows from 0; an entry that is counted up keeps its own
  uint64_t count = 1;
  DenialReason reason = DenialReason::kCommand;
  DenialContext context = DenialContext::kTopLevel;
  std::string object = {};  // the command, key or channel; for kAuth the command that gave the password
  std::string user = {};
  std::string client = {};  // as CLIENT LIST shows it, of the last time
  UnixMs created = 0;
  UnixMs updated = 0;
};

class AclLog {
 public:
  // Of `entry`, all but id, count and the times. `longest`: acllog-max-len.
  void add(LogEntry entry, UnixMs now, size_t longest);
  std::vector<LogEntry> newest(size_t count) const;
  void clear();

  // How often each reason was given since the start.
  int64_t denied(DenialReason reason) const { return counts_[static_cast<size_t>(reason)].load(); }

 private:
  static constexpr size_t kLookedAt = 10;            // entries that may be counted up
  static constexpr int64_t kTogetherMs = 60 * 1000;  // within this time

  mutable Mutex mutex_;
  std::deque<LogEntry> entries_ GUARDED_BY(mutex_);
  uint64_t nextId_ GUARDED_BY(mutex_) = 0;
  std::atomic<int64_t> counts_[4]{};
};

}  // namespace vigil::engine::acl
