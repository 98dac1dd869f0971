// What the engine is told about the process that it lives in: what INFO shows and cannot be had through a port.
//
// Filled by the application before the loops run; a simulated node leaves it as it is. The functions are thread safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/memory_report.h"

namespace vigil::engine {

struct CpuTimes {
  double system = 0;  // seconds
  double user = 0;
};

// A way in for clients: "listener0:name=tcp,bind=127.0.0.1,port=6379".
struct ListenerFacts {
  int number = 0;  // of its kind: 0 tcp, 1 unix, 2 tls
  std::string kind;
  std::string text;
};

struct ProcessFacts {
  std::string operatingSystem = "unknown";
  std::string mode = "standalone";   // redis_mode; or "sentinel"
  std::string multiplexer = "none";  // the reactor
  std::string allocator = "libc";
  std::string executable;
  std::string configFile;
  std::string supervised = "no";  // or by whom: systemd, upstart
  std::string monotonicClock = "none";
  int64_t processId = 0;
  uint64_t totalSystemMemory = 0;
  std::function<uint64_t()> residentMemory = [] { return uint64_t{0}; };
  std::function<bool()> usesHugePages = [] { return false; };  // transparent ones
  std::function<uint64_t()> anonymousMemory = [] { return uint64_t{0}; };  // of the resident: heaps and stacks
  std::function<std::string()> allocatorReport = [] { return std::string(); };  // the allocator's own; empty: none
  std::function<ScriptMemory()> scriptMemory = [] { return ScriptMemory{}; };
  std::function<CpuTimes()> cpuOfProcess = [] { return CpuTimes{}; };
  std::function<int64_t()> tcpPort = [] { return int64_t{0}; };
  std::function<std::vector<ListenerFacts>()> listeners = [] { return std::vector<ListenerFacts>{}; };
  // For systemd: lines of its protocol, and what the server is doing ("STATUS=…"). Any thread.
  std::function<void(std::string_view lines)> tellSupervisor = [](std::string_view) {};
  std::function<void(std::string_view text)> supervisorStatus = [](std::string_view) {};
  std::function<void(int64_t microseconds)> sleep = [](int64_t) {};  // DEBUG SLEEP: blocks the calling thread
  std::function<void()> fault = [] {};  // DEBUG SEGFAULT: an invalid access
  std::function<void()> abort = [] {};  // DEBUG PANIC
};

}  // namespace vigil::engine
