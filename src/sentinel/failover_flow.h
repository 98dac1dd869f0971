// The steps of a failover, once it is decided who carries it out.
//
// One resumable function, advanceFailover(), does whatever the stage needs and can be done now; it is called whenever
// something came in and on every tick. See monitored_master.h for the stages.
#pragma once

#include "sentinel/step.h"

namespace vigil::sentinel {

// We lead: a majority elected us.
void onElected(Step& step, MonitoredMaster& master);
// SENTINEL FAILOVER: begins without an election. There is a replica to promote, and no failover is under way.
void forceFailover(Step& step, MonitoredMaster& master, bool coordinated);

// A configuration of a greater epoch than the failover's has come.
void giveUpFailover(Step& step, MonitoredMaster& master);

void advanceFailover(Step& step, MonitoredMaster& master);

// INFO of the chosen replica says that it is a master now.
void onPromoted(Step& step, Instance& replica);
// INFO of another replica: how far it has come on its way to the new master.
void followRepointing(Step& step, Instance& replica);

// What a master answered to FAILOVER: an error ends a coordinated failover.
void onFailoverReply(Step& step, MonitoredMaster& master, const wire::RespValue& reply);

// Tells a server to follow that master (or, with none, to be one), durably and so that its clients come to us. False:
// there is no connection.
bool sendReplicaOf(Step& step, Instance& instance, const Address* master);

// The master is at another address now. The former one, and all replicas but the new master, are its replicas.
void switchMaster(Step& step, MonitoredMaster& master, const Address& to);
// Forgets replicas, and other Sentinels too if asked for, and what was known of the master, which is at `address`.
void resetMaster(Step& step, MonitoredMaster& master, Address address, bool sentinelsToo);

}  // namespace vigil::sentinel
