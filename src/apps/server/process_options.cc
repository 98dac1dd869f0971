#include "apps/server/process_options.h"

#include <syslog.h>

#include <climits>

#include "base/config.h"
#include "base/config_specials.h"

namespace vigil::apps {

ProcessOptions::ProcessOptions() : syslogFacility(LOG_LOCAL0) {}

void ProcessOptions::addTo(ConfigRegistry& registry) {
  auto later = [](std::function<Status()>& hook) { return [&hook] { return hook ? hook() : Status(); }; };
  registry.add({.name = "supervised", .immutable = true},
               enumOption(supervised, {{"upstart", static_cast<int>(runtime::Supervisor::kUpstart)},
                                       {"systemd", static_cast<int>(runtime::Supervisor::kSystemd)},
                                       {"auto", static_cast<int>(runtime::Supervisor::kAuto)},
                                       {"no", static_cast<int>(runtime::Supervisor::kNone)}}));
  registry.add({.name = "syslog-enabled", .immutable = true}, boolOption(syslog));
  registry.add({.name = "syslog-ident", .immutable = true}, stringOption(syslogIdent));
  registry.add({.name = "syslog-facility", .immutable = true},
               enumOption(syslogFacility, {{"user", LOG_USER},
                                           {"local0", LOG_LOCAL0},
                                           {"local1", LOG_LOCAL1},
                                           {"local2", LOG_LOCAL2},
                                           {"local3", LOG_LOCAL3},
                                           {"local4", LOG_LOCAL4},
                                           {"local5", LOG_LOCAL5},
                                           {"local6", LOG_LOCAL6},
                                           {"local7", LOG_LOCAL7}}));
  registry.add({.name = "set-proc-title", .immutable = true}, boolOption(setTitle));
  registry.add({.name = "proc-title-template", .apply = later(titleChanged)},
               stringOption(titleTemplate, validateTitleTemplate));
  registry.add({.name = "crash-log-enabled", .apply = later(crashLogChanged)}, boolOption(crashLog));
  registry.add({.name = "watchdog-period", .hidden = true, .apply = later(watchdogChanged)},
               integerOption(watchdogPeriod, {0, INT_MAX}));
  // "yes" and "relative" are one.
  registry.add({.name = "oom-score-adj", .apply = later(oomChanged)},
               enumOption(oomAdjust, {{"no", static_cast<int>(OomAdjust::kNo)},
                                      {"yes", static_cast<int>(OomAdjust::kRelative)},
                                      {"relative", static_cast<int>(OomAdjust::kRelative)},
                                      {"absolute", static_cast<int>(OomAdjust::kAbsolute)}}));
  registry.add({.name = "oom-score-adj-values", .apply = later(oomChanged)}, integerListOption(oomValues, -2000, 2000));
  registry.add({.name = "server-cpulist", .alias = "server_cpulist", .immutable = true}, stringOption(serverCpus));
  registry.add({.name = "bio-cpulist", .alias = "bio_cpulist", .immutable = true}, stringOption(taskCpus));
}

}  // namespace vigil::apps
