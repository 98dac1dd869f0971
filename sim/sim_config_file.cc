#include "sim/sim_config_file.h"

#include <span>

#include "base/config.h"
#include "base/config_file.h"

namespace vigil::sim {

std::string configText(const std::vector<std::vector<std::string>>& lines) {
  std::string text;
  for (const auto& words : lines) {
    for (const std::string& word : words) {
      if (!text.empty() && text.back() != '\n') text += ' ';
      text += word.empty() ? "\"\"" : word;
    }
    text += '\n';
  }
  return text;
}

Status readConfigFile(FileSystem& files, const std::string& path, ConfigRegistry& registry) {
  ConfigReader reader(files, [&](const std::string& name, std::span<const std::string> words, bool afterInclude) {
    return registry.loadDirective(name, words, afterInclude ? ConfigPhase::kAfterInclude : ConfigPhase::kStart);
  });
  auto read = reader.load(path, std::nullopt, {});
  if (read) return {};
  const auto& place = read.error().place;
  return fail(read.error().problem + (place ? " at: " + place->text : std::string()));
}

}  // namespace vigil::sim
