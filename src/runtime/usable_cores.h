// How many cores this process may keep busy: a container on a large machine is given a few of them.
#pragma once

#include <string>

namespace vigil::runtime {

// Those that it may be scheduled on (taskset, cpusets), and no more than the CPU quota of its control groups pays for,
// rounded up. At least 1.
unsigned usableCores();

// What usableCores() takes from the control groups. The smallest quota, in cores and rounded up, of the groups that
// `membership` (the text of /proc/self/cgroup) names and of those above them, in both versions of the hierarchy below
// `mount` (/sys/fs/cgroup); 0 if none is limited.
unsigned quotaInCores(const std::string& membership, const std::string& mount);

}  // namespace vigil::runtime
