// Faults of replication where roles change, which the simulator must find: see base/simulation.h. They have numbers of
// their own, so that the rest of the house need not be compiled anew for them.
#pragma once

#include "base/simulation.h"

namespace vigil::replication {

inline constexpr PlantedBug kWaitCountsOnline{140};    // WAIT counts replicas that are there, whatever they acknowledged
inline constexpr PlantedBug kWaitCountsSnapshot{141};  // a snapshot counts as acknowledged when it was begun
inline constexpr PlantedBug kFackNotSynced{142};       // a replica says of what it has applied that it is on its disk
inline constexpr PlantedBug kFailoverEarly{143};       // FAILOVER hands over to a replica that lacks something
inline constexpr PlantedBug kFailoverNotPaused{144};   // FAILOVER takes writes while it waits
inline constexpr PlantedBug kTakenBackAnyhow{145};     // the role is taken back from a target that may have taken over
inline constexpr PlantedBug kDemotedWritable{146};     // a master that became a replica goes on taking writes
inline constexpr PlantedBug kSecondIdForEver{147};     // a history's earlier ids are good beyond their end
inline constexpr PlantedBug kAofKeepsOldId{148};       // the AOF is not told that a promotion began a new history

}  // namespace vigil::replication
