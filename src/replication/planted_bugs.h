// Faults of replication where roles change, which the simulator must find: see base/simulation.h. They have numbers of
// their own, so that the rest of the house need not be compiled anew for them.
#pragma once

#include "base/simulation.h"

namespace vigil::replication {

inline constexpr PlantedBug kWaitCountsOnline{140};    // WAIT counts replicas that are there, whatever they acknowledged
inline constexpr PlantedBug kFackNotSynced{141};       // a replica says of what it has applied that it is on its disk
inline constexpr PlantedBug kFailoverEarly{142};       // FAILOVER hands over to a replica that lacks something
inline constexpr PlantedBug kFailoverNotPaused{143};   // FAILOVER takes writes while it waits
inline constexpr PlantedBug kDemotedWritable{144};     // a master that became a replica goes on taking writes
inline constexpr PlantedBug kSecondIdForEver{145};     // a history's earlier ids are good beyond their end

}  // namespace vigil::replication
