// What the cluster's core asks its driver to do, in the order in which it is to be done: what is to be persisted stands
// before what is sent, and that before what is done with the data.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log_line.h"
#include "base/slot_set.h"

namespace vigil::cluster {

// A connection of the bus. Those that the core asks for have ids of its own; those that others opened to us have the
// driver's, with kInbound set.
using LinkId = uint64_t;  // 0: none
inline constexpr LinkId kInbound = LinkId{1} << 63;

struct MigrationOrder;

struct Effect {
  enum class Kind : uint8_t {
    kLog,            // a line of the server's log: level, text
    kPersist,        // nodes.conf as it is now; `durable`: on disk before anything that follows is done
    kConnect,        // open `link` to address, port
    kSend,           // `packet` on `link`
    kClose,          // `link`
    kRoute,          // whom the engine serves and where it sends others has changed; world held
    kFollow,         // become a replica of address, port; world held
    kPromote,        // become a master; world held
    kDropSlots,      // delete the keys of `slots`, which others own now; world held
    kPauseWrites,    // for a manual failover, for `milliseconds`; world held
    kResumeWrites,   // world held
    kDeliver,        // a message for our own subscribers: address is the channel, text the message; `shard`
    kFlushAll,       // CLUSTER RESET: all keys; world held
    kMigration,      // `migration`
  };
  Kind kind;
  std::string text = {};
  LogLevel level = LogLevel::kNotice;
  bool durable = false;
  bool shard = false;
  LinkId link = 0;
  std::string address = {};
  uint16_t port = 0;
  int64_t milliseconds = 0;
  std::shared_ptr<const std::string> packet = {};
  std::shared_ptr<const SlotSet> slots = {};
  std::shared_ptr<const MigrationOrder> migration = {};
};

using Effects = std::vector<Effect>;

// One line per effect, for transcripts in tests.
std::string describe(const Effects& effects);

}  // namespace vigil::cluster
