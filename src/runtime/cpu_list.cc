#include "runtime/cpu_list.h"

#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/text.h"

namespace vigil::runtime {

namespace {

std::optional<int> cpuNumber(std::string_view text) {
  const auto number = parseInt64(text);
  if (!number || *number < 0 || *number >= CPU_SETSIZE) return std::nullopt;
  return static_cast<int>(*number);
}

// "3", "3-7", "3-7:2"
bool addRange(std::string_view text, std::vector<int>& cpus) {
  int step = 1;
  if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
    const auto given = cpuNumber(text.substr(colon + 1));
    if (!given || *given == 0 || text.find('-') == std::string_view::npos) return false;
    step = *given;
    text = text.substr(0, colon);
  }
  const size_t dash = text.find('-');
  auto first = cpuNumber(text.substr(0, dash));
  auto last = dash == std::string_view::npos ? first : cpuNumber(text.substr(dash + 1));
  if (!first || !last) return false;
  if (*first > *last) std::swap(first, last);
  for (int cpu = *first; cpu <= *last; cpu += step) cpus.push_back(cpu);
  return true;
}

}  // namespace

std::optional<std::vector<int>> parseCpuList(std::string_view text) {
  std::vector<int> cpus;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    if (!addRange(text.substr(0, comma), cpus)) return std::nullopt;
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  std::ranges::sort(cpus);
  const auto repeated = std::ranges::unique(cpus);
  cpus.erase(repeated.begin(), repeated.end());
  return cpus;
}

void bindThisThread(std::string_view cpuList) {
  const auto cpus = parseCpuList(cpuList);
  if (!cpus || cpus->empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu : *cpus) CPU_SET(static_cast<size_t>(cpu), &set);
  sched_setaffinity(0, sizeof set, &set);
}

}  // namespace vigil::runtime
