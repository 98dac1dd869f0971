// One process that a Sentinel watches on behalf of a master: the master itself, a replica of it, another Sentinel.
//
// Plain state, changed by the files of this folder. Times are microseconds of a monotonic clock; 0 is never.
#pragma once

#include <cstdint>
#include <string>

#include "sentinel/link.h"
#include "sentinel/settings.h"

namespace vigil::sentinel {

struct MonitoredMaster;

using InstanceId = uint64_t;

enum class Role : uint8_t { kMaster, kReplica, kSentinel };

// A replica on its way to the master that a failover chose.
enum class Reconfiguration : uint8_t { kNone, kSent, kInProgress, kDone };

struct Instance {
  Instance(Role role, InstanceId id, MonitoredMaster& owner, std::string name, Address address, MonoUs now)
      : role(role),
        id(id),
        owner(owner),
        name(std::move(name)),
        address(std::move(address)),
        link(now),
        roleSince(now) {}

  const Role role;
  const InstanceId id;
  MonitoredMaster& owner;
  std::string name;  // a master's is its user's choice, a Sentinel's its id, a replica's "host:port"
  Address address;
  std::string runId;  // of a server: of its process; of a Sentinel: its id for good

  Link link;
  MonoUs downSince = 0;  // subjectively down
  MonoUs wasDown = 0;    // when it last became so, also if it is not any more
  MonoUs lastHello = 0;  // of ours, published there
  bool scriptKillSent = false;

  bool down() const { return downSince != 0; }

  // --- What INFO said (master and replicas) ---
  MonoUs infoAt = 0;     // answered
  MonoUs infoAsked = 0;  // asked and not answered yet
  std::string infoText;
  bool saysReplica = false;  // the role it reports
  MonoUs roleSince;
  uint64_t masterOffset = 0;  // as a master: its offset when last seen

  // --- What INFO said of a replica ---
  std::string masterHost;
  uint16_t masterPort = 0;
  bool masterLinkUp = false;
  bool everSynced = false;          // it has a master's data
  MonoUs masterLinkDownFor = 0;     // when INFO came
  MonoUs followsSince = 0;          // since when it has named this master
  bool refusesEmptyMaster = false;  // its master came back without data
  bool announced = true;
  int64_t priority = 100;
  uint64_t offset = 0;

  // --- A replica in a failover ---
  bool formerMaster = false;  // it was the master, and has not called itself a replica since
  bool promoted = false;
  Reconfiguration reconfiguration = Reconfiguration::kNone;
  MonoUs toldAt = 0;  // to follow another master

  // --- A master ---
  MonoUs rebootedAt = 0;  // its process is a new one and has given no PONG yet

  // --- Another Sentinel ---
  MonoUs heardHello = 0;
  uint64_t questions = 0;     // asked whether it sees the master as down, and for its vote
  uint64_t answers = 0;       // come, in the order of the questions
  uint64_t voteQuestion = 0;  // the first that asked for its vote in the election under way
  MonoUs answered = 0;        // when the last answer came
  bool seesMasterDown = false;
  uint64_t confirmAsked = 0;     // whether it has voted since the election that we won (confirmation.h)
  uint64_t confirmAnswered = 0;  // come, in the order of the questions
  uint64_t confirmFrom = 0;      // the first question whose answer counts
  bool confirms = false;         // it has not
  std::string vote;              // for whom it voted, empty: for nobody
  uint64_t voteEpoch = 0;
};

}  // namespace vigil::sentinel
