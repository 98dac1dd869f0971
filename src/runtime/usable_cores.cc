#include "runtime/usable_cores.h"

#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

namespace vigil::runtime {

namespace {

// A quota of `quota` microseconds in each `period`, in cores; 0 if there is no limit.
unsigned cores(int64_t quota, int64_t period) {
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<unsigned>(std::clamp<int64_t>((quota - 1) / period + 1, 1, 1 << 20));
}

// "max 100000" or "150000 100000", of version 2.
unsigned unifiedQuota(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  int64_t quota = 0;
  int64_t period = 0;
  return file >> quota >> period ? cores(quota, period) : 0;  // "max" is no number
}

// Of version 1; -1 microseconds say that there is no limit.
unsigned legacyQuota(const std::string& folder) {
  std::ifstream quotaFile(folder + "/cpu.cfs_quota_us");
  std::ifstream periodFile(folder + "/cpu.cfs_period_us");
  int64_t quota = 0;
  int64_t period = 0;
  return quotaFile >> quota && periodFile >> period ? cores(quota, period) : 0;
}

// The smallest limit of the group and of all above it. In a container the path may be the host's, with nothing there:
// then what counts is the root that the container sees, which the walk ends at.
template <class Read>
unsigned smallest(const std::string& hierarchy, std::string group, Read read) {
  unsigned least = 0;
  for (;;) {
    if (group == "/") group.clear();
    if (const unsigned here = read(hierarchy + group); here != 0 && (least == 0 || here < least)) least = here;
    if (group.empty()) return least;
    group.erase(group.rfind('/'));
  }
}

bool namesCpu(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

}  // namespace

unsigned quotaInCores(const std::string& membership, const std::string& mount) {
  unsigned least = 0;
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {  // "hierarchy:controllers:/group"
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos || line.size() <= second + 1 || line[second + 1] != '/') continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    unsigned limit = 0;
    if (controllers.empty()) {
      limit = smallest(mount, group, unifiedQuota);
    } else if (namesCpu(controllers)) {
      limit = smallest(mount + "/" + controllers, group, legacyQuota);
    }
    if (limit != 0 && (least == 0 || limit < least)) least = limit;
  }
  return least;
}

unsigned usableCores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const int counted = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 0;
  // Above 1,024 cores the set above is too small, and the call says so.
  unsigned scheduled = counted > 0 ? static_cast<unsigned>(counted) : std::max(1u, std::thread::hardware_concurrency());
  std::ifstream file("/proc/self/cgroup");
  const std::string membership{std::istreambuf_iterator<char>(file), {}};
  const unsigned quota = quotaInCores(membership, "/sys/fs/cgroup");
  return quota == 0 ? scheduled : std::min(scheduled, quota);
}

}  // namespace vigil::runtime
