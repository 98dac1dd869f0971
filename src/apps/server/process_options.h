// The options of the process itself: who supervises it, what ps shows of it, where it runs, what a crash leaves behind.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/shared_value.h"
#include "runtime/supervision.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::apps {

// oom-score-adj
enum class OomAdjust : uint8_t { kNo, kRelative, kAbsolute };

struct ProcessOptions {
  std::atomic<runtime::Supervisor> supervised{runtime::Supervisor::kNone};
  std::atomic<bool> syslog{false};
  SharedString syslogIdent{"redis"};
  std::atomic<int> syslogFacility;  // of syslog.h; the constructor says local0
  std::atomic<bool> setTitle{true};
  SharedString titleTemplate{"{title} {listen-addr} {server-mode}"};
  std::atomic<bool> crashLog{true};
  std::atomic<int64_t> watchdogPeriod{0};  // milliseconds; 0: off
  std::atomic<OomAdjust> oomAdjust{OomAdjust::kNo};
  Shared<std::vector<int64_t>> oomValues{std::vector<int64_t>{0, 200, 800}};  // of a master, of a replica, unused
  SharedString serverCpus;  // server-cpulist
  SharedString taskCpus;    // bio-cpulist

  ProcessOptions();

  // What carries a changed option out; set once there is something to change.
  std::function<Status()> titleChanged, crashLogChanged, watchdogChanged, oomChanged;

  // Adds the rows of these options; they must outlive the registry.
  void addTo(ConfigRegistry& registry);
};

}  // namespace vigil::apps
