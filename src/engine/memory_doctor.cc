#include "engine/memory_doctor.h"

#include <string_view>

namespace vigil::engine {

namespace {

constexpr int64_t kMegabyte = 1 << 20;
constexpr int64_t kTooLittle = 5 * kMegabyte;  // used: nothing can be said
constexpr int64_t kWorthMentioning = 10 * kMegabyte;

constexpr std::string_view kEmpty =
    "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these "
    "conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to "
    "our programming as soon as I finished rebooting.\n";
constexpr std::string_view kHealthy =
    "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n";
constexpr std::string_view kIssues = "Sam, I detected a few issues in this Redis instance memory implants:\n\n";
constexpr std::string_view kGoodbye = "I'm here to keep you safe, Sam. I want to help you.\n";

constexpr std::string_view kPeak =
    " * Peak memory: In the past this instance used more than 150% the memory that is currently using. The allocator is "
    "normally not able to release memory after a peak, so you can expect to see a big fragmentation ratio, however this "
    "is actually harmless and is only due to the memory peak, and if the Redis instance Resident Set Size (RSS) is "
    "currently bigger than expected, the memory will be used as soon as you fill the Redis instance with more data. If "
    "the memory peak was only occasional and you want to try to reclaim memory, please try the MEMORY PURGE command, "
    "otherwise the only other option is to shutdown and restart the instance.\n\n";
constexpr std::string_view kTotalRss =
    " * High total RSS: This instance has a memory fragmentation and RSS overhead greater than 1.4 (this means that the "
    "Resident Set Size of the Redis process is much larger than the sum of the logical allocations Redis performed). "
    "This problem is usually due either to a large peak memory (check if there is a peak memory entry above in the "
    "report) or may result from a workload that causes the allocator to fragment memory a lot. If the problem is a large "
    "peak memory, then there is no issue. Otherwise, make sure you are using the Jemalloc allocator and not the default "
    "libc malloc. Note: The currently used allocator is \"";
constexpr std::string_view kFragmentation =
    " * High allocator fragmentation: This instance has an allocator external fragmentation greater than 1.1. This "
    "problem is usually due either to a large peak memory (check if there is a peak memory entry above in the report) or "
    "may result from a workload that causes the allocator to fragment memory a lot. You can try enabling 'activedefrag' "
    "config option.\n\n";
constexpr std::string_view kProcessRss =
    " * High process RSS overhead: This instance has non-allocator RSS memory overhead is greater than 1.1 (this means "
    "that the Resident Set Size of the Redis process is much larger than the RSS the allocator holds). This problem may "
    "be due to Lua scripts or Modules.\n\n";
constexpr std::string_view kReplicas =
    " * Big replica buffers: The replica output buffers in this instance are greater than 10MB for each replica (on "
    "average). This likely means that there is some replica instance that is struggling receiving data, either because "
    "it is too slow or because of networking issues. As a result, data piles on the master output buffers. Please try to "
    "identify what replica is not receiving data correctly and why. You can use the INFO output in order to check the "
    "replicas delays and the CLIENT LIST command to check the output buffers of each replica.\n\n";
constexpr std::string_view kClients =
    " * Big client buffers: The clients output buffers in this instance are greater than 200K per client (on average). "
    "This may result from different causes, like Pub/Sub clients subscribed to channels bot not receiving data fast "
    "enough, so that data piles on the Redis instance output buffer, or clients sending commands with large replies or "
    "very large sequences of commands in the same pipeline. Please use the CLIENT LIST command in order to investigate "
    "the issue if it causes problems in your instance, or to understand better why certain clients are using a big "
    "amount of memory.\n\n";
constexpr std::string_view kScripts =
    " * Many scripts: There seem to be many cached scripts in this instance (more than 1000). This may be because "
    "scripts are generated and `EVAL`ed, instead of being parameterized (with KEYS and ARGV), `SCRIPT LOAD`ed and "
    "`EVALSHA`ed. Unless `SCRIPT FLUSH` is called periodically, the scripts' caches may end up consuming most of your "
    "memory.\n\n";

bool exceeds(int64_t sum, int64_t count, int64_t each) { return count > 0 && sum / count > each; }

}  // namespace

std::string diagnoseMemory(const MemoryReport& report, const std::string& allocator) {
  if (report.used < kTooLittle) return std::string(kEmpty);
  std::string issues;
  if (report.peak > report.used + report.used / 2) issues += kPeak;
  if (report.fragmentation() > 1.4 && report.resident - report.used > kWorthMentioning) {
    issues.append(kTotalRss).append(allocator).append("\".\n\n");
  }
  if (report.allocatorFragmentation() > 1.1 && report.anonymous - report.used > kWorthMentioning) {
    issues += kFragmentation;
  }
  if (report.processOverhead() > 1.1 && report.resident - report.anonymous > kWorthMentioning) issues += kProcessRss;
  if (exceeds(report.replicaClients, report.replicaClientCount, 10 * kMegabyte)) issues += kReplicas;
  if (exceeds(report.normalClients, report.normalClientCount, 200 * 1024)) issues += kClients;
  if (report.scripts.cachedScripts > 1000) issues += kScripts;
  if (issues.empty()) return std::string(kHealthy);
  return std::string(kIssues) + issues + std::string(kGoodbye);
}

}  // namespace vigil::engine
