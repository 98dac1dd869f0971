#include "runtime/host_facts.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>

#if !defined(VIGIL_SANITIZED)
#include <mimalloc.h>
#endif

namespace vigil::runtime {

namespace {

std::optional<long> firstNumberIn(const char* path) {
  std::ifstream file(path);
  long number = 0;
  if (!(file >> number)) return std::nullopt;
  return number;
}

bool hugePagesAlways() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  std::getline(file, line);
  return line.find("[always]") != std::string::npos;
}

uint64_t pageSize() { return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

uint64_t residentMemory() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  if (!(file >> total >> resident)) return 0;
  return resident * pageSize();
}

bool usesHugePages() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string word; file >> word;) {
    uint64_t kilobytes = 0;
    if (word == "AnonHugePages:" && file >> kilobytes) return kilobytes > 0;
  }
  return false;
}

uint64_t anonymousMemory() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  uint64_t ofFiles = 0;
  if (!(file >> total >> resident >> ofFiles)) return 0;
  return (resident - std::min(ofFiles, resident)) * pageSize();
}

std::string allocatorReport() {
  std::string report;
#if !defined(VIGIL_SANITIZED)
  mi_stats_print_out([](const char* text, void* into) { *static_cast<std::string*>(into) += text; }, &report);
#endif
  return report;
}

uint64_t totalSystemMemory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  return pages > 0 ? static_cast<uint64_t>(pages) * pageSize() : 0;
}

std::vector<std::string> hostWarnings(int tcpBacklog) {
  std::vector<std::string> warnings;
  if (auto limit = firstNumberIn("/proc/sys/net/core/somaxconn"); limit && *limit > 0 && *limit < tcpBacklog) {
    warnings.push_back("WARNING: The TCP backlog setting of " + std::to_string(tcpBacklog) +
                       " cannot be enforced because /proc/sys/net/core/somaxconn is set to the lower value of " +
                       std::to_string(*limit) + ".");
  }
  if (auto overcommit = firstNumberIn("/proc/sys/vm/overcommit_memory"); overcommit && *overcommit != 1) {
    warnings.push_back(
        "WARNING Memory overcommit must be enabled! Without it, a background save or replication may fail under low "
        "memory condition. Being disabled, it can can also cause failures without low memory condition, see "
        "https://github.com/jemalloc/jemalloc/issues/1328. To fix this issue add 'vm.overcommit_memory = 1' to "
        "/etc/sysctl.conf and then reboot or run the command 'sysctl vm.overcommit_memory=1' for this to take "
        "effect.");
  }
  if (hugePagesAlways()) {
    warnings.push_back(
        "WARNING You have Transparent Huge Pages (THP) support enabled in your kernel. This will create latency and "
        "memory usage issues with Redis. To fix this issue run the command 'echo madvise > "
        "/sys/kernel/mm/transparent_hugepage/enabled' as root, and add it to your /etc/rc.local in order to retain "
        "the setting after a reboot. Redis must be restarted after THP is disabled (set to 'madvise' or 'never').");
  }
  return warnings;
}

}  // namespace vigil::runtime
