// Faults in this folder that the simulator must find (base/simulation.h). They have numbers of their own.
#pragma once

#include "base/simulation.h"

namespace vigil::cluster {

inline constexpr PlantedBug kVoteTwice{64};      // a master votes again in an epoch in which it has voted
inline constexpr PlantedBug kVoteForgotten{65};  // a vote leaves the node before it is on disk
inline constexpr PlantedBug kSameEpoch{66};      // a candidate asks in an epoch that is taken
inline constexpr PlantedBug kHandOverEarly{
    67};  // a replica takes over by hand before it has the rest of its master's log
inline constexpr PlantedBug kClaimEarly{68};     // slots are given away before the source's replicas know of it
inline constexpr PlantedBug kLeaveStrays{69};    // who takes a source's place does not delete what has been given away

}  // namespace vigil::cluster
