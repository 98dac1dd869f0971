// What the simulator changes inside the code that it runs. In every other build all of this is constant and costs
// nothing: the simulator compiles its own libraries, with VIGIL_SIMULATION.
//
// Locks: the simulator's steps run to their end one at a time, so no lock is ever found held. That the roads for a busy
// lock (put back, wait, be woken) are taken all the same, lockSeemsBusy() says no to some attempts, as the seed has it,
// and the wait that follows is woken at once: as if the holder had let go in that very moment.
//
// Planted bugs: faults that the simulator must find, to show that it would find such a one. At most one is on.
#pragma once

#include <cstdint>

namespace vigil {

enum class PlantedBug : uint8_t {
  kNone,
  // Of one node.
  kServeBlockedTwice,  // a served client stays in the key's queue
  kLostWake,           // a client that was put back is not woken
  kWatchNotTouched,    // a change does not fail the transactions that watch the key
  kExpireEarly,        // keys expire before their time
  // Of persistence.
  kReplyBeforeWrite,       // the commit point does not wait for the AOF
  kReplyBeforeFsync,       // appendfsync always: it moves when bytes are written, not when they are synced
  kSkipFsync,              // a sync of the AOF is counted and not done
  kTrustFailedFsync,       // after a failed sync the file goes on, as if the next one made good what it lost
  kTornTailKept,           // what stands behind the last whole unit of an AOF is not cut off
  kSnapshotForgetsBucket,  // a bucket changes without having been handed to the snapshot
  // Of replication.
  kFeedBeforeWrite,  // replicas are sent what the AOF has not written
  kDropLastUnit,     // bytes that a cut left without their end count as applied
  kApplyTwice,       // after a reconnection the first unit is applied again
  kApplyOutOfOrder,  // of two units that came together the second is applied first
  kAnyHistory,       // a partial resync is granted whatever the history's id
};

#if VIGIL_SIMULATION
inline constexpr bool kSimulated = true;
bool planted(PlantedBug bug);
bool lockSeemsBusy();
// Whether the last lockSeemsBusy() said so; asking forgets it.
bool takeSeemingBusy();
#else
inline constexpr bool kSimulated = false;
constexpr bool planted(PlantedBug) { return false; }
constexpr bool lockSeemsBusy() { return false; }
constexpr bool takeSeemingBusy() { return false; }
#endif

}  // namespace vigil
