// Who leads the failover of a master that is objectively down.
//
// All Sentinels see the fault at about the same time. So each waits its rank (by id) before it stands for election,
// long enough for the ones before it to be heard; and who loses an election that nobody won stands again soon, in a new
// epoch.
#pragma once

#include "sentinel/step.h"

namespace vigil::sentinel {

// A greater epoch was heard of: it is ours too. The caller persists.
void raiseEpoch(Step& step, const MonitoredMaster& master, uint64_t epoch);
// Begins a new epoch and votes for ourselves in it, durably: nobody else is elected there with our vote.
uint64_t claimEpoch(Step& step, MonitoredMaster& master);

// The master has just become objectively down: when we stand.
void planElection(Step& step, MonitoredMaster& master);
// The end of the pause between two failovers, of which the last may have been another Sentinel's; 0: there was none.
MonoUs pauseEnd(const MonitoredMaster& master);
// Stands if the time has come; ends an election that takes too long. On every tick.
void holdElection(Step& step, MonitoredMaster& master);
// While we stand: are we elected, or have we lost?
void countVotes(Step& step, MonitoredMaster& master);
// Another asks for our vote. Ours is in master.ballot afterwards.
void voteFor(Step& step, MonitoredMaster& master, uint64_t epoch, const std::string& candidate);

}  // namespace vigil::sentinel
