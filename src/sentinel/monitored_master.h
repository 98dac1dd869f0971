// A master under watch with all that belongs to it, and where its failover stands.
//
// Plain state, changed by the files of this folder.
//
//   none --(objectively down, or asked for)--> electing --elected--> choosing --+--> promoting --promoted-->
//   re-pointing
//    ^                                            |                             |       |                        |
//    |                                        not elected                 nobody fit   no answer        all follow, or
//    time-out
//    +--------------------------------------------+-----------------------------+-------+-------- switched ------+
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/failover_report.h"
#include "sentinel/ballot.h"
#include "sentinel/instance.h"
#include "sentinel/settings.h"

namespace vigil::sentinel {

inline constexpr FailoverReport::Terms kReportTerms = {.observer = "sentinel", .rank = "priority"};

enum class Stage : uint8_t {
  kNone,
  kElecting,
  kChoosing,
  kSendingPromotion,
  kWaitingForPromotion,
  kRepointing,
};

struct Failover {
  Stage stage = Stage::kNone;
  MonoUs since = 0;           // when this stage began
  uint64_t epoch = 0;         // that we stand for, or have won
  bool forced = false;        // SENTINEL FAILOVER: no election, no majority
  bool coordinated = false;   // the master hands over by itself
  MonoUs lastStarted = 0;     // a failover, ours or one that we voted for; 0: never
  MonoUs standAt = 0;         // when we stand for election, 0: we do not
  int failedElections = 0;    // in a row
  MonoUs announcedDelay = 0;  // the pause until the next failover has been logged: for this start
  bool underWay() const { return stage != Stage::kNone; }
};

struct MonitoredMaster {
  using Instances = std::map<std::string, std::unique_ptr<Instance>, std::less<>>;

  MonitoredMaster(std::string masterName, MasterSettings itsSettings)
      : name(std::move(masterName)), settings(std::move(itsSettings)) {}

  const std::string name;
  MasterSettings settings;
  std::unique_ptr<Instance> self;
  Instances replicas;   // by "host:port"
  Instances sentinels;  // by id; without ourselves

  uint64_t configEpoch = 0;  // of the configuration that named this address the master; durable before it is told
  Ballot ballot;
  MonoUs objectivelyDownSince = 0;
  Failover failover;
  Address previous;       // the master before this one; no port: none that we know of
  bool ledLast = false;   // the present configuration is the outcome of a failover that we led
  MonoUs confirmAt = 0;   // when others were asked whether that is still so; 0: never
  MonoUs askedAt = 0;     // the other Sentinels, whether they see it as down
  MonoUs askAgainAt = 0;  // when they are asked next
  int asks = 0;           // since the master is subjectively down
  FailoverReport report;  // of the failover under way, or the last one

  bool objectivelyDown() const { return objectivelyDownSince != 0; }
  size_t voters() const { return sentinels.size() + 1; }
  Instance* promotedReplica() const {
    for (const auto& [key, replica] : replicas) {
      if (replica->promoted) return replica.get();
    }
    return nullptr;
  }
  // Whom clients are sent to: from promotion on, the new master.
  const Address& currentAddress() const {
    const Instance* promoted = failover.stage == Stage::kRepointing ? promotedReplica() : nullptr;
    return promoted != nullptr ? promoted->address : self->address;
  }
  template <typename Visit>
  void each(Visit visit) const {
    visit(*self);
    for (const auto& [key, replica] : replicas) visit(*replica);
    for (const auto& [key, sentinel] : sentinels) visit(*sentinel);
  }
};

}  // namespace vigil::sentinel
