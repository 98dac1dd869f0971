// Faults of Sentinels that the simulator must find: see base/simulation.h. They have numbers of their own, so that the
// rest of the house need not be compiled anew for them.
#pragma once

#include "base/simulation.h"

namespace vigil::sentinel {

inline constexpr PlantedBug kVoteNotPersisted{100};    // a vote is told before it is durable
inline constexpr PlantedBug kVoteTwice{101};           // an epoch's vote is given anew to whoever asks
inline constexpr PlantedBug kMajorityNotNeeded{102};   // the quorum elects a leader alone
inline constexpr PlantedBug kOldVotesCount{103};       // a vote counts whatever the epoch in which it was given
inline constexpr PlantedBug kConfigEpochIgnored{104};  // any configuration that is heard of is taken

}  // namespace vigil::sentinel
