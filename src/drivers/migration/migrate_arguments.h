// What MIGRATE is asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command/context.h"
#include "command/spec.h"

namespace vigil::drivers {

struct MigrateArguments {
  std::string host;
  std::string port;  // as it was given: what is no port cannot be connected to
  int64_t db = 0;
  int64_t timeoutMs = 0;  // the longest time without progress; positive
  bool copy = false;
  bool replace = false;
  bool authenticates = false;
  std::string user;  // empty: AUTH password
  std::string password;
  size_t firstKey = 3;  // the keys' arguments
  size_t keyCount = 1;
};

// nullopt after an error reply.
std::optional<MigrateArguments> parseMigrate(command::Context& context);

bool findMigrateKeys(command::Args args, std::vector<command::KeyPosition>& keys);

}  // namespace vigil::drivers
