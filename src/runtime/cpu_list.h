// Which processors a thread may run on: server-cpulist and bio-cpulist. Thread safe.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace vigil::runtime {

// "0,2-3", "0-10:2" (every second): the numbers, ascending; nullopt for what is no such list. As taskset's.
std::optional<std::vector<int>> parseCpuList(std::string_view text);

// Binds the calling thread to the processors of the list. An empty list, or one that cannot be had, changes nothing, as
// in Redis.
void bindThisThread(std::string_view cpuList);

}  // namespace vigil::runtime
