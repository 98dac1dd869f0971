// The engine's options: what CONFIG sets and every command reads. Relaxed atomics: a change is seen soon, by all.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/config_specials.h"
#include "base/ports/stream.h"
#include "base/shared_value.h"
#include "commands/dump_options.h"
#include "commands/keys_options.h"
#include "commands/list_options.h"
#include "commands/sort_options.h"
#include "engine/memory_limit.h"
#include "engine/monitoring_options.h"
#include "engine/acl/acl_options.h"
#include "engine/audience.h"
#include "engine/permission.h"
#include "keyspace/reaper.h"

namespace vigil::engine {

// How this node connects to others.
struct OutgoingOptions {
  SharedString sourceAddress;      // bind-source-addr
  std::atomic<int64_t> markId{0};  // socket-mark-id, of listeners too

  ConnectOptions connect() const { return {sourceAddress.load(), static_cast<uint32_t>(markId.load())}; }
};

// DEBUG REPLYBUFFER: clients give back what they have not needed of their output buffers for a while.
struct OutputTrimming {
  static constexpr int64_t kPeakResetMs = 5000;
  std::atomic<bool> on{true};
  std::atomic<int64_t> peakResetMs{kPeakResetMs};  // for so long the most that was needed counts; negative: for ever
};

struct Options {
  std::atomic<uint64_t> maxBulk{512ULL << 20};         // proto-max-bulk-len: less than 4 GiB
  std::atomic<uint64_t> queryBufferLimit{1ULL << 30};  // client-query-buffer-limit
  std::atomic<int64_t> maxClients{10000};
  std::atomic<int64_t> clientMemory{0};  // maxmemory-clients: bytes, or below zero per cent of maxmemory; 0: no limit
  std::atomic<int64_t> idleTimeout{0};  // timeout, seconds
  std::atomic<int64_t> keepAlive{300};  // tcp-keepalive, seconds
  std::atomic<int64_t> hz{10};
  std::atomic<bool> protectedMode{true};
  std::atomic<bool> activeExpire{true};  // DEBUG SET-ACTIVE-EXPIRE
  std::atomic<bool> cronPaused{false};   // DEBUG PAUSE-CRON: periodic duties rest
  std::atomic<int64_t> activeExpireEffort{1};
  OutputTrimming outputTrimming;
  std::atomic<int64_t> trackedKeys{1'000'000};  // tracking-table-max-keys; 0: no limit
  std::atomic<int> notifyEvents{0};             // notify-keyspace-events, as keyspaceEvent::…
  Audience audience;                            // follows notifyEvents; tracking clients and monitors add themselves
  Shared<OutputBufferLimits> outputLimits{OutputBufferLimits{}};
  keyspace::LazyFreeing lazyFreeing;
  std::atomic<Permission> debugCommand{Permission::kNobody};      // enable-debug-command
  std::atomic<Permission> protectedConfigs{Permission::kNobody};  // enable-protected-configs
  MemoryOptions memory;
  commands::KeyOptions keys;
  commands::ListOptions lists;
  commands::DumpOptions dumps{lists};
  MonitoringOptions monitoring;
  acl::AclOptions acl;
  commands::SortOptions sorts{lists};
  OutgoingOptions outgoing;

  std::function<Status()> maxClientsChanged;  // can there be so many? Set by who knows the process's limits
  std::function<void()> clientMemoryChanged;  // set up by the engine
  void notifyEventsChanged();
};

}  // namespace vigil::engine
