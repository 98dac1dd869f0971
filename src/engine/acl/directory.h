// All users of a node. Users are immutable snapshots: a change puts another in the old one's place and raises the
// generation, by which a session sees that it must look up its user again. Thread safe; a leaf lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "engine/acl/acl_log.h"
#include "engine/acl/rules.h"
#include "engine/acl/user.h"

namespace vigil {
class FileSystem;
class Logger;
}  // namespace vigil

namespace vigil::engine::acl {

struct AclOptions;

using UserPtr = std::shared_ptr<const User>;

// A user before and after a change; `after` is null for one that is gone. One whose id changed is another user.
struct UserChange {
  UserPtr before;
  UserPtr after;
};

class Directory {
 public:
  Directory(AclOptions& options, Logger& logger, const command::CommandTable& commands)
      : options_(options), logger_(logger), commands_(commands) {}

  // When all commands are registered: makes `default`, then the users of the configuration or of the ACL file. The
  // error is for the log, and the node must not start.
  Status start(FileSystem& files);

  // Grows with each change. A session reads it before it looks up its user.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  UserPtr find(std::string_view name) const;
  UserPtr defaultUser() const;
  bool has(const User& user) const;  // not one of the same name that was made anew
  std::vector<UserPtr> all() const;  // by name
  // Clients that give no password are the default user.
  bool defaultIsOpen() const { return defaultIsOpen_.load(std::memory_order_relaxed); }
  bool defaultHasPassword() const { return defaultHasPassword_.load(std::memory_order_relaxed); }

  // ACL SETUSER: all rules or none. The error is the reply.
  std::expected<UserChange, std::string> set(std::string_view name, std::span<const std::string_view> rules);
  // ACL DELUSER; nullptr: there is no such user, or it is `default`.
  UserPtr remove(std::string_view name);
  // ACL LOAD: the file's text replaces all users. `default` stays the same user, and so does who did not change.
  Result<std::vector<UserChange>> replaceFrom(std::string_view text, const std::string& path);
  std::string fileText() const;  // what ACL SAVE writes

  AclLog& log() { return log_; }
  const AclLog& log() const { return log_; }
  AclOptions& options() { return options_; }

 private:
  using Users = std::map<std::string, UserPtr, std::less<>>;

  RuleContext context() const;
  void requirePassword();  // requirepass changed
  Status loadConfigured();
  UserPtr put(User user) REQUIRES(mutex_);
  void publish() REQUIRES(mutex_);

  AclOptions& options_;
  Logger& logger_;
  const command::CommandTable& commands_;
  AclLog log_;
  std::atomic<uint64_t> generation_{1};
  std::atomic<bool> defaultIsOpen_{true};
  std::atomic<bool> defaultHasPassword_{false};
  mutable Mutex mutex_;
  Users users_ GUARDED_BY(mutex_);
  uint64_t nextId_ GUARDED_BY(mutex_) = 1;
};

}  // namespace vigil::engine::acl
