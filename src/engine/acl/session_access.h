// What a session holds of ACL: its user, as it was when the session looked last.
#pragma once

#include <cstdint>
#include <memory>

namespace vigil::engine::acl {

struct User;

struct SessionAccess {
  std::shared_ptr<const User> user;  // nullptr: no client's session, everything is allowed
  uint64_t generation = 0;           // Directory::generation() before `user` was looked up
  // While the directory is at this generation the session may run any command. The one check that most clients cost.
  uint64_t freeAt = 0;
};

}  // namespace vigil::engine::acl
