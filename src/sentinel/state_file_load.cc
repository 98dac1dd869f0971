#include <algorithm>
#include <climits>
#include <optional>

#include "base/text.h"
#include "sentinel/administration.h"
#include "sentinel/master_options.h"
#include "sentinel/state_file.h"
#include "wire/sentinel_hello.h"

namespace vigil::sentinel {

namespace {

// Empty: the line is taken.
using Problem = std::string;

constexpr std::string_view kUnknown = "Unrecognized sentinel configuration statement.";
constexpr std::string_view kNoMaster = "No such master with specified name.";

std::optional<bool> yesNo(std::string_view word) {
  if (equalsIgnoreCase(word, "yes")) return true;
  if (equalsIgnoreCase(word, "no")) return false;
  return std::nullopt;
}

Problem takeFlag(bool& flag, const ConfigLine& words, std::string_view name) {
  const auto value = yesNo(words[1]);
  if (!value) return "Please specify yes or no for the " + std::string(name) + " option.";
  flag = *value;
  return {};
}

// Of ourselves. nullopt: it is no such line.
std::optional<Problem> takeOwnLine(State& state, const std::string& name, const ConfigLine& words) {
  if (words.size() != 2) return std::nullopt;
  GlobalSettings& settings = state.settings;
  const std::string& value = words[1];
  if (name == "myid") {
    if (!wire::isRunId(value)) return "Malformed Sentinel id in myid option.";
    state.id = value;
  } else if (name == "announce-ip") {
    settings.announceHost = value;
  } else if (name == "announce-port") {
    const auto port = parseUint64(value);
    if (!port || *port > 65535) return "Invalid port number";
    settings.announcePort = static_cast<uint16_t>(*port);
  } else if (name == "resolve-hostnames") {
    return takeFlag(settings.resolveHostnames, words, name);
  } else if (name == "announce-hostnames") {
    return takeFlag(settings.announceHostnames, words, name);
  } else if (name == "deny-scripts-reconfig") {
    return takeFlag(settings.denyScriptsReconfig, words, name);
  } else if (name == "sentinel-user") {
    settings.user = value;
  } else if (name == "sentinel-pass") {
    settings.password = value;
  } else if (name == "current-epoch") {
    const auto epoch = parseUint64(value);
    if (!epoch) return "Invalid epoch";
    state.epoch = std::max(state.epoch, *epoch);
  } else {
    return std::nullopt;
  }
  return Problem();
}

Problem takeMonitor(Step& step, const ConfigLine& words) {
  if (words.size() != 5) return std::string(kUnknown);
  const auto port = parseInt64(words[3]);
  const auto quorum = parseInt64(words[4]);
  const std::string refusal = addMaster(step, words[1], words[2], port.value_or(-1), quorum.value_or(0));
  return refusal;
}

Problem takeKnownReplica(Step& step, MonitoredMaster& master, const ConfigLine& words) {
  if (words.size() != 4) return std::string(kUnknown);
  const auto port = parseUint64(words[3]);
  if (!port || *port == 0 || *port > 65535) return "Wrong hostname or port for replica.";
  Address address{words[2], static_cast<uint16_t>(*port)};
  std::string name = joinHostPort(address.host, address.port);
  if (master.replicas.contains(name)) return "Duplicate hostname and port for replica.";
  step.create(Role::kReplica, master, std::move(name), std::move(address));
  return {};
}

Problem takeKnownSentinel(Step& step, MonitoredMaster& master, const ConfigLine& words) {
  if (words.size() == 4) return {};  // of an old version, without its id: it will be heard of again
  if (words.size() != 5) return std::string(kUnknown);
  const auto port = parseUint64(words[3]);
  if (!port || *port > 65535 || !wire::isRunId(words[4])) return "Wrong hostname or port for sentinel.";
  if (words[4] == step.state.id) return {};
  if (master.sentinels.contains(words[4])) return "Duplicate runid for sentinel.";
  Instance& sentinel = step.create(Role::kSentinel, master, words[4], {words[2], static_cast<uint16_t>(*port)});
  sentinel.runId = words[4];
  return {};
}

Problem takeEpoch(State& state, uint64_t& epoch, const ConfigLine& words) {
  const auto value = words.size() == 3 ? parseUint64(words[2]) : std::nullopt;
  if (!value) return std::string(kUnknown);
  epoch = *value;
  state.epoch = std::max(state.epoch, *value);
  return {};
}

Problem takeOption(MonitoredMaster& master, const std::string& name, const ConfigLine& words,
                   const IsExecutable& isExecutable) {
  const size_t values = optionValues(name);
  if (name == "quorum" || values == 0 || words.size() != values + 2) return std::string(kUnknown);
  if (name == "rename-command" && master.settings.renamedCommands.contains(toLower(words[2]))) {
    return "Same command renamed multiple times with rename-command.";
  }
  if (isScriptOption(name) && !isExecutable(words[2])) {
    return name == "notification-script" ? "Notification script seems non existing or non executable."
                                         : "Client reconfiguration script seems non existing or non executable.";
  }
  if (setOption(master.settings, name, std::span(words).subspan(2))) return {};
  return "negative or zero time parameter.";
}

Problem takeLineOfMaster(Step& step, const std::string& name, const ConfigLine& words,
                         const IsExecutable& isExecutable) {
  if (words.size() < 3) return std::string(kUnknown);
  const bool known = name == "known-replica" || name == "known-slave" || name == "known-sentinel" ||
                     name == "config-epoch" || name == "leader-epoch" || optionValues(name) != 0;
  if (!known) return std::string(kUnknown);
  MonitoredMaster* master = step.state.find(words[1]);
  if (master == nullptr) return std::string(kNoMaster);
  if (name == "known-replica" || name == "known-slave") return takeKnownReplica(step, *master, words);
  if (name == "known-sentinel") return takeKnownSentinel(step, *master, words);
  if (name == "config-epoch") return takeEpoch(step.state, master->configEpoch, words);
  if (name == "leader-epoch") return takeEpoch(step.state, master->ballot.epoch, words);
  return takeOption(*master, name, words, isExecutable);
}

LoadProblem at(std::span<const ConfigLine> lines, const ConfigLine& words, Problem problem) {
  std::string line = "sentinel";
  for (const std::string& word : words) line.append(" ").append(configWord(word));
  return {static_cast<size_t>(&words - lines.data()), std::move(line), std::move(problem)};
}

}  // namespace

std::expected<void, LoadProblem> loadLines(Step& step, std::span<const ConfigLine> lines,
                                           const IsExecutable& isExecutable) {
  std::vector<const ConfigLine*> left;
  for (const ConfigLine& words : lines) {
    const auto taken = takeOwnLine(step.state, toLower(words[0]), words);
    if (!taken) {
      left.push_back(&words);
    } else if (!taken->empty()) {
      return std::unexpected(at(lines, words, *taken));
    }
  }
  for (const bool masters : {true, false}) {
    for (const ConfigLine* words : left) {
      const std::string name = toLower(words->front());
      if ((name == "monitor") != masters) continue;
      Problem problem = masters ? takeMonitor(step, *words) : takeLineOfMaster(step, name, *words, isExecutable);
      if (!problem.empty()) return std::unexpected(at(lines, *words, std::move(problem)));
    }
  }
  return {};
}

}  // namespace vigil::sentinel
