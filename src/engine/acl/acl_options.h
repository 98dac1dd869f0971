// The options of ACL. Set while the configuration is read and by CONFIG SET; any thread reads them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/shared_value.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::engine::acl {

struct AclOptions {
  // A `user` line of the configuration file.
  struct UserLine {
    std::string name;
    std::vector<std::string> rules;  // each selector is one
  };

  SharedString file;                             // aclfile
  std::atomic<int64_t> longestLog{128};          // acllog-max-len
  std::atomic<bool> channelsByDefault{false};    // acl-pubsub-default
  SharedString password;                         // requirepass: of the user `default`
  std::vector<UserLine> users;                   // complete before the node starts

  // Set by whoever holds the users, once there are some.
  std::function<void()> passwordChanged;
  std::function<std::vector<std::string>()> describeUsers;  // the lines that make them

  void addTo(ConfigRegistry& registry);

 private:
  Status loadUser(std::span<const std::string> words);
};

}  // namespace vigil::engine::acl
