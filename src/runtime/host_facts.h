// What the machine says about itself and about this process: memory in use, and settings that a server's
// administrator should know of. Thread safe; reads a few small files under /proc and /sys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vigil::runtime {

// Bytes of this process in physical memory (INFO's used_memory_rss); 0 if it cannot be known.
uint64_t residentMemory();
// Whether some of this process's memory is in transparent huge pages.
bool usesHugePages();
// Of that, what belongs to no file: heaps and stacks.
uint64_t anonymousMemory();
// The allocator's own account of itself, for a human reader; empty if it has none.
std::string allocatorReport();
// All physical memory of the machine (INFO's total_system_memory).
uint64_t totalSystemMemory();

// The texts of Redis's warnings at start that hold on this machine, without their level: a TCP backlog above the
// kernel's limit, memory overcommit that is off, transparent huge pages that are on.
std::vector<std::string> hostWarnings(int tcpBacklog);

}  // namespace vigil::runtime
