#include "apps/server/process.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "runtime/host_facts.h"

namespace vigil::apps {

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

engine::CpuTimes cpuOfProcess() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return {};
  return {.system = seconds(usage.ru_stime), .user = seconds(usage.ru_utime)};
}

}  // namespace

void fillProcessFacts(engine::ProcessFacts& facts, runtime::PollerKind reactor) {
  utsname name{};
  if (uname(&name) == 0) {
    facts.operatingSystem = std::string(name.sysname) + " " + name.release + " " + name.machine;
  }
  facts.multiplexer = reactor == runtime::PollerKind::kUring ? "io_uring" : "epoll";
#if !defined(VIGIL_SANITIZED)
  facts.allocator = "mimalloc-2.0";
#endif
  std::error_code unknown;
  facts.executable = std::filesystem::read_symlink("/proc/self/exe", unknown).string();
  facts.processId = getpid();
  facts.totalSystemMemory = runtime::totalSystemMemory();
  facts.residentMemory = runtime::residentMemory;
  facts.usesHugePages = runtime::usesHugePages;
  facts.anonymousMemory = runtime::anonymousMemory;
  facts.allocatorReport = runtime::allocatorReport;
  facts.cpuOfProcess = cpuOfProcess;
  facts.fault = [] {
    static volatile char* const nowhere = nullptr;
    *nowhere = 'x';
  };
  facts.abort = [] { std::abort(); };
  facts.sleep = [](int64_t microseconds) { std::this_thread::sleep_for(std::chrono::microseconds(microseconds)); };
}

runtime::PollerKind chooseReactor(const ServerOptions& options, Logger& logger) {
  const runtime::PollerKind asked = options.reactor.load();
  const Status usable = runtime::checkPoller(asked);
  if (usable) return asked;
  logger.warning(usable.error().message + ". Using epoll instead.");
  return runtime::PollerKind::kEpoll;
}

}  // namespace vigil::apps
