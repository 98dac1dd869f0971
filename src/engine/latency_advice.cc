#include "engine/latency_advice.h"

#include <string>
#include <vector>

namespace vigil::engine {

namespace {

struct EventAdvice {
  std::string_view event;
  std::vector<Advice> advice;
};
const EventAdvice kAdviceOf[] = {
    {"command", {Advice::kInspectSlowLog, Advice::kLargeObjects}},
    {"fast-command", {Advice::kScheduler}},
    {"aof-write", {Advice::kLocalDisk, Advice::kFastDisk, Advice::kWriteback, Advice::kDiskContention}},
    {"aof-fsync-always", {Advice::kRelaxFsync}},
    {"expire-cycle", {Advice::kHz, Advice::kLargeObjects}},
    {"eviction-del", {Advice::kLargeObjects}},
    {"eviction-cycle", {Advice::kMassEviction}},
};

struct AdviceText {
  Advice advice;
  std::string_view text;  // % is the monitor's threshold in microseconds
};
constexpr AdviceText kTexts[] = {
    {Advice::kEnableSlowLog,
     "There are latency issues with potentially slow commands you are using. Try to enable the Slow Log Redis feature "
     "using the command 'CONFIG SET slowlog-log-slower-than %'. If the Slow log is disabled Redis is not able to log "
     "slow commands execution for you."},
    {Advice::kTuneSlowLog,
     "Your current Slow Log configuration only logs events that are slower than your configured latency monitor "
     "threshold. Please use 'CONFIG SET slowlog-log-slower-than %'."},
    {Advice::kInspectSlowLog,
     "Check your Slow Log to understand what are the commands you are running which are too slow to execute. Please "
     "check https://redis.io/commands/slowlog for more information."},
    {Advice::kScheduler,
     "The system is slow to execute Redis code paths not containing system calls. This usually means the system does "
     "not provide Redis CPU time to run for long periods. You should try to:\n"
     "  1) Lower the system load.\n"
     "  2) Use a computer / VM just for Redis if you are running other software in the same system.\n"
     "  3) Check if you have a \"noisy neighbour\" problem.\n"
     "  4) Check with 'redis-cli --intrinsic-latency 100' what is the intrinsic latency in your system."},
    {Advice::kLocalDisk,
     "It is strongly advised to use local disks for persistence, especially if you are using AOF. Remote disks "
     "provided by platform-as-a-service providers are known to be slow."},
    {Advice::kFastDisk,
     "SSD disks are able to reduce fsync latency, and total time needed for snapshotting and AOF log rewriting "
     "(resulting in smaller memory usage). With extremely high write load SSD disks can be a good option. However "
     "Redis should perform reasonably with high load using normal disks. Use this advice as a last resort."},
    {Advice::kWriteback,
     "Mounting ext3/4 filesystems with data=writeback can provide a performance boost compared to data=ordered, "
     "however this mode of operation provides less guarantees, and sometimes it can happen that after a hard crash "
     "the AOF file will have a half-written command at the end and will require to be repaired before Redis restarts."},
    {Advice::kDiskContention,
     "Try to lower the disk contention. This is often caused by other disk intensive processes running in the same "
     "computer (including other Redis instances)."},
    {Advice::kRelaxFsync,
     "Your fsync policy is set to 'always'. It is very hard to get good performances with such a setup, if possible "
     "try to relax the fsync policy to 'onesec'."},
    {Advice::kHz,
     "In order to make the Redis keys expiring process more incremental, try to set the 'hz' configuration parameter "
     "to 100 using 'CONFIG SET hz 100'."},
    {Advice::kLargeObjects,
     "Deleting, expiring or evicting (because of maxmemory policy) large objects is a blocking operation. If you have "
     "very large objects that are often deleted, expired, or evicted, try to fragment those objects into multiple "
     "smaller objects."},
    {Advice::kMassEviction,
     "Sudden changes to the 'maxmemory' setting via 'CONFIG SET', or allocation of large objects via sets or sorted "
     "sets intersections, STORE option of SORT, Redis Cluster large keys migrations (RESTORE command), may create "
     "sudden memory pressure forcing the server to block trying to evict keys. "},
    {Advice::kHugePages,
     "I detected a non zero amount of anonymous huge pages used by your process. This creates very serious latency "
     "events in different conditions, especially when Redis is persisting on disk. To disable THP support use the "
     "command 'echo never > /sys/kernel/mm/transparent_hugepage/enabled', make sure to also add it into /etc/rc.local "
     "so that the command will be executed again after a reboot. Note that even if you have already disabled THP, you "
     "still need to restart the Redis process to get rid of the huge pages already created."},
};

}  // namespace

void addAdvice(std::string_view event, const LatencyFacts& facts, std::set<Advice>& advice) {
  for (const EventAdvice& known : kAdviceOf) {
    if (known.event == event) advice.insert(known.advice.begin(), known.advice.end());
  }
  if (event != "command") return;
  if (facts.slowerThan < 0) {
    advice.insert(Advice::kEnableSlowLog);
  } else if (facts.slowerThan / 1000 > facts.monitorThreshold) {
    advice.insert(Advice::kTuneSlowLog);
  }
}

std::string adviceText(Advice advice, const LatencyFacts& facts) {
  for (const AdviceText& known : kTexts) {
    if (known.advice != advice) continue;
    std::string text(known.text);
    if (size_t at = text.find('%'); at != std::string::npos) {
      text.replace(at, 1, std::to_string(facts.monitorThreshold * 1000));
    }
    return text;
  }
  return {};
}

}  // namespace vigil::engine
