// CONFIG: the registry of options as clients use it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/config.h"
#include "base/mutex.h"
#include "command/spec.h"

namespace vigil {
class FileSystem;
}

namespace vigil::engine {

class Engine;

// One CONFIG at a time. Thread safe; an option's apply() runs under its lock, on the worker whose client asked.
class ConfigControl {
 public:
  explicit ConfigControl(ConfigRegistry& registry) : registry_(registry) {}

  std::vector<ConfigRegistry::Pair> get(std::span<const std::string> patterns);
  // Without the lock: which options there are, and of what kind, is settled before there are workers.
  bool isSensitive(std::string_view name) const NO_THREAD_SAFETY_ANALYSIS { return registry_.isSensitive(name); }
  Status set(std::span<const ConfigRegistry::Pair> pairs, const ConfigSetContext& context);
  // Replaces the file at `path` by one that says what is in force. Takes as long as the disk does.
  Status rewrite(FileSystem& files, const std::string& path, bool all = false);

 private:
  Mutex mutex_;
  ConfigRegistry& registry_ GUARDED_BY(mutex_);
};

// DEBUG CONFIG-REWRITE-FORCE-ALL.
void addDebugConfig(Engine& engine, ConfigControl& control);

// Owner: a ConfigControl.
std::span<const command::CommandSpec> configCommands();

}  // namespace vigil::engine
