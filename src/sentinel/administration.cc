#include "sentinel/administration.h"

#include <algorithm>
#include <climits>

#include "base/text.h"
#include "sentinel/failover_flow.h"
#include "sentinel/master_options.h"
#include "sentinel/replica_choice.h"
#include "sentinel/watch.h"

namespace vigil::sentinel {

namespace {

bool reconnectsAll(std::string_view option) {
  return option == "auth-pass" || option == "auth-user" || option == "rename-command";
}

void reconnect(Step& step, Instance& instance) {
  for (Channel channel : {Channel::kCommands, Channel::kMessages}) {
    step.disconnect(instance, channel);
    instance.link.of(channel).tried = 0;
  }
}

std::string invalidArgument(std::string_view value, std::string_view option) {
  return "ERR Invalid argument '" + std::string(value) + "' for SENTINEL SET '" + std::string(option) + "'";
}

void tellSet(Step& step, const MonitoredMaster& master, const std::string& name, std::span<const std::string> values) {
  std::string text = name;
  for (const std::string& value : values) text.append(" ").append(isSecretOption(name) ? "******" : value);
  step.event(LogLevel::kWarning, "+set", master.self.get(), text);
}

}  // namespace

bool isNumericAddress(std::string_view host) {
  if (host.find(':') != std::string_view::npos) {
    return std::ranges::all_of(host, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.' ||
             c == '%';
    });
  }
  return std::ranges::count(host, '.') == 3 &&
         std::ranges::all_of(host, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

std::string addMaster(Step& step, const std::string& name, const std::string& host, int64_t port, int64_t quorum) {
  if (quorum < 1 || quorum > INT_MAX) return "Quorum must be 1 or greater.";
  if (port < 1 || port > 65535) return "Invalid port number.";
  if (host.empty() || (!step.state.settings.resolveHostnames && !isNumericAddress(host))) {
    return "Can't resolve instance hostname.";
  }
  if (step.state.find(name) != nullptr) return "Duplicate master name.";
  MasterSettings settings;
  settings.quorum = static_cast<uint32_t>(quorum);
  settings.downAfterMs = step.state.times.defaultDownAfter;
  settings.failoverTimeoutMs = step.state.times.defaultFailoverTimeout;
  auto master = std::make_unique<MonitoredMaster>(name, std::move(settings));
  step.create(Role::kMaster, *master, name, {host, static_cast<uint16_t>(port)});
  step.state.masters.emplace(name, std::move(master));
  return {};
}

void begin(Step& step, const std::string& newId) {
  if (step.state.id.empty()) step.state.id = newId;
  step.persist();
  step.log(LogLevel::kNotice, "Sentinel ID is " + step.state.id);
  for (const auto& [name, master] : step.state.masters) {
    step.event(LogLevel::kWarning, "+monitor", master->self.get(), "quorum " + std::to_string(master->settings.quorum));
  }
}

std::string monitorMaster(Step& step, const std::string& name, const std::string& host, int64_t port, int64_t quorum) {
  std::string refusal = addMaster(step, name, host, port, quorum);
  if (refusal == "Can't resolve instance hostname.") return "ERR Invalid IP address or hostname specified";
  if (!refusal.empty()) return "ERR " + refusal;
  MonitoredMaster& master = *step.state.find(name);
  step.event(LogLevel::kWarning, "+monitor", master.self.get(), "quorum " + std::to_string(quorum));
  step.persist();
  watch(step, *master.self);
  return {};
}

void removeMaster(Step& step, MonitoredMaster& master) {
  step.event(LogLevel::kWarning, "-monitor", master.self.get());
  master.each([&](Instance& instance) { step.forget(instance); });
  const std::string name = master.name;
  step.state.masters.erase(name);
  step.persist();
}

size_t resetMasters(Step& step, std::string_view pattern) {
  size_t count = 0;
  for (auto& [name, master] : step.state.masters) {
    if (!stringMatch(pattern, name)) continue;
    const Address address = master->self->address;
    resetMaster(step, *master, address, true);
    step.event(LogLevel::kWarning, "+reset-master", master->self.get());
    ++count;
  }
  if (count != 0) step.persist();
  return count;
}

std::string setOptions(Step& step, MonitoredMaster& master, std::span<const std::string> words,
                       const IsExecutable& isExecutable) {
  std::string problem;
  bool changed = false;
  bool reconnects = false;
  while (!words.empty() && problem.empty()) {
    const std::string name = toLower(words.front());
    const size_t count = optionValues(name);
    if (count == 0 || words.size() < count + 1) {
      problem = "ERR Unknown option or number of arguments for SENTINEL SET '" + words.front() + "'";
      break;
    }
    const auto values = words.subspan(1, count);
    if (isScriptOption(name) && step.state.settings.denyScriptsReconfig) {
      problem =
          "ERR Reconfiguration of scripts path is denied for security reasons. Check the deny-scripts-reconfig "
          "configuration directive in your Sentinel configuration";
    } else if (isScriptOption(name) && !values[0].empty() && !isExecutable(values[0])) {
      problem = name == "notification-script"
                    ? "ERR Notification script seems non existing or non executable"
                    : "ERR Client reconfiguration script seems non existing or non executable";
    } else if (!setOption(master.settings, name, values)) {
      problem = invalidArgument(values[0], words.front());
    } else {
      tellSet(step, master, name, values);
      changed = true;
      reconnects = reconnects || reconnectsAll(name);
    }
    words = words.subspan(count + 1);
  }
  if (reconnects) {
    reconnect(step, *master.self);
    for (auto& [key, replica] : master.replicas) reconnect(step, *replica);
  }
  if (changed) step.persist();
  return problem;
}

std::string failOver(Step& step, MonitoredMaster& master, bool coordinated) {
  if (master.failover.underWay()) return "INPROG Failover already in progress";
  if (chooseReplica(step, master).chosen == nullptr) return "NOGOODSLAVE No suitable replica to promote";
  if (coordinated && !master.self->link.commands.up()) return "NOGOODSLAVE The master is not connected";
  step.log(LogLevel::kNotice, "Executing user requested FAILOVER of '" + master.name + "'");
  forceFailover(step, master, coordinated);
  return {};
}

QuorumCheck checkQuorum(const MonitoredMaster& master) {
  QuorumCheck check;
  for (const auto& [id, sentinel] : master.sentinels) check.usable += sentinel->down() ? 0 : 1;
  check.quorum = check.usable >= master.settings.quorum;
  check.majority = check.usable >= master.voters() / 2 + 1;
  return check;
}

}  // namespace vigil::sentinel
