// The options of the append-only file: what CONFIG sets and the AOF reads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/result.h"
#include "base/shared_value.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::drivers {

enum class AppendFsync : int { kNo, kEverySecond, kAlways };

struct AofOptions {
  std::atomic<bool> appendOnly{false};
  SharedString fileName{"appendonly.aof"};
  SharedString folder{"appendonlydir"};
  std::atomic<AppendFsync> fsync{AppendFsync::kEverySecond};
  std::atomic<bool> noFsyncOnRewrite{false};
  std::atomic<int64_t> rewritePercentage{100};
  std::atomic<int64_t> rewriteMinSize{64 << 20};
  std::atomic<bool> loadTruncated{true};
  std::atomic<bool> rdbPreamble{true};
  std::atomic<bool> timestamps{false};
  std::atomic<bool> incrementalFsync{true};
  std::atomic<int64_t> flushSleepUs{0};  // DEBUG AOF-FLUSH-SLEEP: before each write; microseconds
  std::atomic<bool> keepHistory{false};  // aof-disable-auto-gc: files that a rewrite replaced stay

  // Makes a running node follow appendonly, appendfsync and aof-disable-auto-gc; set by the AOF when it starts.
  std::function<Status()> applyAppendOnly;
  std::function<Status()> applyFsync;
  std::function<Status()> applyKeepHistory;

  void addTo(ConfigRegistry& registry);
};

}  // namespace vigil::drivers
