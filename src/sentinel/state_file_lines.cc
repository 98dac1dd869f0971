#include "sentinel/master_options.h"
#include "sentinel/state_file.h"

namespace vigil::sentinel {

namespace {

// Names that may have no line at all, so that old ones go.
constexpr const char* kListed[] = {"known-replica", "known-slave",   "known-sentinel",      "rename-command",
                                   "auth-pass",     "auth-user",     "notification-script", "client-reconfig-script",
                                   "announce-ip",   "announce-port", "sentinel-user",       "sentinel-pass",
                                   "monitor",       "config-epoch",  "leader-epoch"};

std::string at(const Address& address) { return configWord(address.host) + " " + std::to_string(address.port); }

void addMasterLines(const MonitoredMaster& master, const TimeConstants& times, std::vector<RewriteOption>& lines) {
  const std::string name = " " + configWord(master.name) + " ";
  const Address& current = master.currentAddress();
  addLine(lines, "sentinel monitor",
          "sentinel monitor" + name + at(current) + " " + std::to_string(master.settings.quorum));
  addOptionLines(master, times, lines);
  addLine(lines, "sentinel config-epoch", "sentinel config-epoch" + name + std::to_string(master.configEpoch));
  addLine(lines, "sentinel leader-epoch", "sentinel leader-epoch" + name + std::to_string(master.ballot.epoch));
  for (const auto& [key, replica] : master.replicas) {
    // Once a replica is promoted, the old master is to be one.
    const Address& address = replica->address.isSame(current) ? master.self->address : replica->address;
    addLine(lines, "sentinel known-replica", "sentinel known-replica" + name + at(address));
  }
  for (const auto& [id, sentinel] : master.sentinels) {
    addLine(lines, "sentinel known-sentinel", "sentinel known-sentinel" + name + at(sentinel->address) + " " + id);
  }
}

void addFlag(std::vector<RewriteOption>& lines, const std::string& name, bool value, bool byDefault) {
  addLine(lines, "sentinel " + name, "sentinel " + name + (value ? " yes" : " no"), value != byDefault);
}

}  // namespace

std::vector<RewriteOption> stateLines(const State& state) {
  const GlobalSettings& settings = state.settings;
  const GlobalSettings defaults;
  std::vector<RewriteOption> lines;
  addLine(lines, "sentinel myid", "sentinel myid " + state.id);
  addFlag(lines, "deny-scripts-reconfig", settings.denyScriptsReconfig, defaults.denyScriptsReconfig);
  addFlag(lines, "resolve-hostnames", settings.resolveHostnames, defaults.resolveHostnames);
  addFlag(lines, "announce-hostnames", settings.announceHostnames, defaults.announceHostnames);
  for (const char* name : kListed) lines.push_back({.name = std::string("sentinel ") + name, .lines = {}});
  for (const auto& [name, master] : state.masters) addMasterLines(*master, state.times, lines);
  addLine(lines, "sentinel current-epoch", "sentinel current-epoch " + std::to_string(state.epoch));
  if (!settings.announceHost.empty()) {
    addLine(lines, "sentinel announce-ip", "sentinel announce-ip " + configWord(settings.announceHost));
  }
  if (settings.announcePort != 0) {
    addLine(lines, "sentinel announce-port", "sentinel announce-port " + std::to_string(settings.announcePort));
  }
  if (!settings.user.empty())
    addLine(lines, "sentinel sentinel-user", "sentinel sentinel-user " + configWord(settings.user));
  if (!settings.password.empty()) {
    addLine(lines, "sentinel sentinel-pass", "sentinel sentinel-pass " + configWord(settings.password));
  }
  return lines;
}

}  // namespace vigil::sentinel
