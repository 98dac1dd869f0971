// What is set for all masters at once: SENTINEL CONFIG SET and SENTINEL DEBUG.
#include <algorithm>
#include <climits>

#include "base/text.h"
#include "sentinel/administration.h"
#include "sentinel/watch.h"

namespace vigil::sentinel {

namespace {

struct Time {
  std::string_view name;
  int64_t TimeConstants::*value;
};

constexpr Time kTimes[] = {
    {"INFO-PERIOD", &TimeConstants::infoPeriod},
    {"PING-PERIOD", &TimeConstants::pingPeriod},
    {"ASK-PERIOD", &TimeConstants::askPeriod},
    {"PUBLISH-PERIOD", &TimeConstants::publishPeriod},
    {"DEFAULT-DOWN-AFTER", &TimeConstants::defaultDownAfter},
    {"DEFAULT-FAILOVER-TIMEOUT", &TimeConstants::defaultFailoverTimeout},
    {"TILT-TRIGGER", &TimeConstants::tiltTrigger},
    {"TILT-PERIOD", &TimeConstants::tiltPeriod},
    {"SLAVE-RECONF-TIMEOUT", &TimeConstants::replicaReconfTimeout},
    {"MIN-LINK-RECONNECT-PERIOD", &TimeConstants::minLinkReconnectPeriod},
    {"ELECTION-TIMEOUT", &TimeConstants::electionTimeout},
    {"SCRIPT-MAX-RUNTIME", &TimeConstants::scriptMaxRuntime},
    {"SCRIPT-RETRY-DELAY", &TimeConstants::scriptRetryDelay},
};

std::string invalid(const std::string& value, std::string_view name) {
  return "ERR Invalid value '" + value + "' to SENTINEL CONFIG SET '" + std::string(name) + "'";
}

// Those that we give our password to are asked again.
void reconnectSentinels(Step& step) {
  for (auto& [name, master] : step.state.masters) {
    for (auto& [id, sentinel] : master->sentinels) {
      step.disconnect(*sentinel, Channel::kCommands);
      sentinel->link.commands.tried = 0;
    }
  }
}

const Time* findTime(std::string_view name) {
  return std::ranges::find_if(kTimes, [&](const Time& time) { return equalsIgnoreCase(time.name, name); });
}

}  // namespace

bool isTime(std::string_view name) { return findTime(name) != std::end(kTimes); }

bool setTime(TimeConstants& times, std::string_view name, std::string_view value) {
  const Time* found = findTime(name);
  const auto number = parseInt64(value);
  if (found == std::end(kTimes) || !number || *number <= 0 || *number > INT_MAX) return false;
  times.*found->value = *number;
  return true;
}

std::vector<std::pair<std::string_view, int64_t>> listTimes(const TimeConstants& times) {
  std::vector<std::pair<std::string_view, int64_t>> list;
  for (const Time& time : kTimes) list.emplace_back(time.name, times.*time.value);
  return list;
}

std::string setGlobal(Step& step, std::string_view name, const std::string& value) {
  GlobalSettings& settings = step.state.settings;
  auto flag = [&](bool& into) {
    if (!equalsIgnoreCase(value, "yes") && !equalsIgnoreCase(value, "no")) return invalid(value, name);
    into = equalsIgnoreCase(value, "yes");
    return std::string();
  };
  std::string problem;
  if (equalsIgnoreCase(name, "resolve-hostnames")) {
    problem = flag(settings.resolveHostnames);
  } else if (equalsIgnoreCase(name, "announce-hostnames")) {
    problem = flag(settings.announceHostnames);
  } else if (equalsIgnoreCase(name, "announce-ip")) {
    settings.announceHost = value;
  } else if (equalsIgnoreCase(name, "announce-port")) {
    const auto port = parseUint64(value);
    if (!port || *port > 65535) return invalid(value, name);
    settings.announcePort = static_cast<uint16_t>(*port);
  } else if (equalsIgnoreCase(name, "sentinel-user")) {
    settings.user = value;
    reconnectSentinels(step);
  } else if (equalsIgnoreCase(name, "sentinel-pass")) {
    settings.password = value;
    reconnectSentinels(step);
  } else {
    return "ERR Invalid argument '" + std::string(name) + "' to SENTINEL CONFIG SET";
  }
  if (problem.empty()) step.persist();
  return problem;
}

}  // namespace vigil::sentinel
