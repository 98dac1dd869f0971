// What CLUSTER's subcommands ask of the core that change something. Checks come first; nothing is half done.
//
// Not thread safe; within a Step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/slot_set.h"
#include "cluster/effect.h"
#include "cluster/slot_migrations.h"

namespace vigil::cluster {

class Cluster;

struct Request {
  enum class Kind : uint8_t {
    kMeet,            // address, port, busPort
    kForget,          // node
    kAddSlots,        // slots
    kDeleteSlots,     // slots
    kFlushSlots,      // keysHeld
    kSetMigrating,    // slot, node
    kSetImporting,    // slot, node
    kSetStable,       // slot
    kSetNode,         // slot, node; keysHeld: in that slot
    kReplicate,       // node; keysHeld: in all
    kFailover,        // mode
    kReset,           // hard; keysHeld
    kSetConfigEpoch,  // number
    kBumpEpoch,
    kSaveConfig,
    kMigrateSlots,     // plans
    kCancelMigrations,
    kReceiveSlots,     // job, node: the source; set, withKeys
    kClaimSlots,       // job, number: the source's epoch
    kAskOutcome,       // job, number, set
  };
  enum class Mode : uint8_t { kDefault, kForce, kTakeover };
  Kind kind;
  std::string node = {};
  std::string address = {};
  uint16_t port = 0;
  uint16_t busPort = 0;
  uint16_t slot = 0;
  std::vector<uint16_t> slots = {};
  std::vector<MigrationPlan> plans = {};
  std::string job = {};
  SlotSet set = {};      // kReceiveSlots, kAskOutcome
  SlotSet withKeys = {};  // kReceiveSlots: those of them that have keys here
  int64_t number = 0;
  uint64_t keysHeld = 0;
  Mode mode = Mode::kDefault;
  bool hard = false;
};

struct Answer {
  std::string error = {};  // the error reply; empty: it is done
  std::string text = "OK";
  Effects effects = {};
};

class Commands {
 public:
  explicit Commands(Cluster& cluster) : cluster_(cluster) {}
  Answer run(const Request& request);

 private:
  std::string meet(const Request& request);
  std::string forget(const Request& request);
  std::string addSlots(const Request& request);
  std::string deleteSlots(const Request& request);
  std::string flushSlots(const Request& request);
  std::string setMoving(const Request& request);
  std::string setNode(const Request& request);
  std::string replicate(const Request& request);
  std::string failover(const Request& request);
  std::string reset(const Request& request);
  std::string setConfigEpoch(const Request& request);
  std::string bumpEpoch(std::string& text);

  Cluster& cluster_;
};

}  // namespace vigil::cluster
