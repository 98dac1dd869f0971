// The options of one master, by the names that they have in sentinel.conf and in SENTINEL SET.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_rewrite.h"
#include "sentinel/monitored_master.h"

namespace vigil::sentinel {

// How many values it takes; 0: there is no such option. In lower case.
size_t optionValues(std::string_view name);
bool isScriptOption(std::string_view name);
bool isSecretOption(std::string_view name);
// False: not a value for this option.
bool setOption(MasterSettings& settings, std::string_view name, std::span<const std::string> values);

// A word of a configuration file, in quotes if it needs them.
std::string configWord(std::string_view text);
// The lines of a master's options in sentinel.conf, each under its option's name.
void addOptionLines(const MonitoredMaster& master, const TimeConstants& times, std::vector<RewriteOption>& into);
// Adds a line to the option of this name, which is made if there is none.
void addLine(std::vector<RewriteOption>& options, const std::string& name, std::string text, bool force = true);

}  // namespace vigil::sentinel
