// Configuration files on simulated disks: what a process reads when it starts.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace vigil {
class ConfigRegistry;
class FileSystem;
}  // namespace vigil

namespace vigil::sim {

// Lines of words as a file's text.
std::string configText(const std::vector<std::vector<std::string>>& lines);
// Reads the file into the registry's options. The error is what a user would see.
Status readConfigFile(FileSystem& files, const std::string& path, ConfigRegistry& registry);

}  // namespace vigil::sim
