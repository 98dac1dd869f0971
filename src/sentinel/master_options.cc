#include "sentinel/master_options.h"

#include <algorithm>
#include <climits>

#include "base/text.h"

namespace vigil::sentinel {

namespace {

// Options of one value: how it is read, and what it is now (as the file has it).
struct Option {
  std::string_view name;
  int64_t MasterSettings::*number = nullptr;
  int64_t least = 1;
  std::string MasterSettings::*text = nullptr;
};

constexpr Option kOptions[] = {
    {"down-after-milliseconds", &MasterSettings::downAfterMs},
    {"failover-timeout", &MasterSettings::failoverTimeoutMs},
    {"parallel-syncs", &MasterSettings::parallelSyncs},
    {"master-reboot-down-after-period", &MasterSettings::rebootDownAfterMs, 0},
    {"refused-down-after-milliseconds", &MasterSettings::refusedDownAfterMs, 0},
    {.name = "notification-script", .text = &MasterSettings::notificationScript},
    {.name = "client-reconfig-script", .text = &MasterSettings::reconfigScript},
    {.name = "auth-user", .text = &MasterSettings::authUser},
    {.name = "auth-pass", .text = &MasterSettings::authPassword},
};

const Option* find(std::string_view name) {
  const auto* found = std::ranges::find(kOptions, name, &Option::name);
  return found == std::end(kOptions) ? nullptr : found;
}

bool rename(MasterSettings& settings, const std::string& command, const std::string& newName) {
  const std::string lower = toLower(command);
  if (command.empty() || newName.empty()) return false;
  if (lower == toLower(newName)) {
    settings.renamedCommands.erase(lower);
  } else {
    settings.renamedCommands[lower] = newName;
  }
  return true;
}

}  // namespace

size_t optionValues(std::string_view name) {
  if (name == "rename-command") return 2;
  return name == "quorum" || find(name) != nullptr ? 1 : 0;
}

bool isScriptOption(std::string_view name) { return name == "notification-script" || name == "client-reconfig-script"; }
bool isSecretOption(std::string_view name) { return name == "auth-pass"; }

bool setOption(MasterSettings& settings, std::string_view name, std::span<const std::string> values) {
  if (name == "rename-command") return rename(settings, values[0], values[1]);
  if (name == "quorum") {
    const auto quorum = parseInt64(values[0]);
    if (!quorum || *quorum < 1 || *quorum > INT_MAX) return false;
    settings.quorum = static_cast<uint32_t>(*quorum);
    return true;
  }
  const Option* option = find(name);
  if (option == nullptr) return false;
  if (option->text != nullptr) {
    settings.*option->text = values[0];
    return true;
  }
  const auto number = parseInt64(values[0]);
  if (!number || *number < option->least || *number > INT_MAX) return false;
  settings.*option->number = *number;
  return true;
}

std::string configWord(std::string_view text) {
  const bool plain = !text.empty() && std::ranges::none_of(text, [](char c) {
    return c <= ' ' || c >= 127 || c == '"' || c == '\'' || c == '\\' || c == '#';
  });
  return plain ? std::string(text) : quoteArgument(text);
}

void addLine(std::vector<RewriteOption>& options, const std::string& name, std::string text, bool force) {
  auto found = std::ranges::find(options, name, &RewriteOption::name);
  if (found == options.end()) found = options.insert(found, {.name = name, .lines = {}});
  found->lines.push_back({std::move(text), force});
}

void addOptionLines(const MonitoredMaster& master, const TimeConstants& times, std::vector<RewriteOption>& into) {
  MasterSettings defaults;
  defaults.downAfterMs = times.defaultDownAfter;
  defaults.failoverTimeoutMs = times.defaultFailoverTimeout;
  for (const Option& option : kOptions) {
    const std::string name = "sentinel " + std::string(option.name);
    const std::string start = name + " " + configWord(master.name) + " ";
    if (option.text != nullptr) {
      const std::string& value = master.settings.*option.text;
      if (!value.empty()) addLine(into, name, start + configWord(value));
    } else {
      const int64_t value = master.settings.*option.number;
      addLine(into, name, start + std::to_string(value), value != defaults.*option.number);
    }
  }
  for (const auto& [command, newName] : master.settings.renamedCommands) {
    addLine(
        into, "sentinel rename-command",
        "sentinel rename-command " + configWord(master.name) + " " + configWord(command) + " " + configWord(newName));
  }
}

}  // namespace vigil::sentinel
