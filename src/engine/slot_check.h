// Cluster mode: may this node run a command on its keys, or where is the client to go? The texts are Redis's.
//
// Pure; the caller keeps the routing alive by staying inside the world.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/routing.h"
#include "command/command_table.h"
#include "command/context.h"

namespace vigil::engine {

// What runs as one: a command, or all that a transaction has queued.
struct SlotQuestion {
  struct Call {
    const command::CommandEntry* entry;
    command::Args args;
    int db;  // in which it looks for its keys
  };
  std::vector<Call> calls;
  bool write = false;
  bool asking = false;        // ASKING came before
  bool readsReplica = false;  // READONLY
};

struct SlotVerdict {
  std::string error = {};  // empty: run it
  bool undecided = false;  // whether keys exist decides, which needs their locks
  bool keyless = false;    // nothing in it belongs to a slot
  uint16_t slot = 0;       // of what runs, unless there is an error, or it is keyless
};

// Under the locks of the keys; empty: they are not held, and what depends on it stays undecided.
using KeyExists = std::function<bool(int db, std::string_view key)>;
SlotVerdict checkSlots(const cluster::Routing& routing, const SlotQuestion& question, const KeyExists& exists);

// Whether it must wait: one of its slots is being handed over to another node.
bool slotsHeld(const cluster::Routing& routing, const SlotQuestion& question);
// Whether all its keys lie in such slots; false also where it has none.
bool staysWithin(const SlotQuestion& question, const std::function<bool(uint16_t slot)>& inside);

// Where a slot's client belongs: an error, or empty if it is served here.
std::string slotError(const cluster::Routing& routing, uint16_t slot, bool readsReplica);

}  // namespace vigil::engine
