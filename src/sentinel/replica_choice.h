// Which replica becomes the master: of those that are fit, the one with the lowest priority number, then the greatest
// replication offset, then the smallest run id.
#pragma once

#include <vector>

#include "base/failover_report.h"
#include "sentinel/step.h"

namespace vigil::sentinel {

struct ReplicaChoice {
  Instance* chosen = nullptr;
  std::vector<FailoverReport::Candidate> candidates;  // all replicas, with why each was chosen or not
};

ReplicaChoice chooseReplica(const Step& step, const MonitoredMaster& master);
// Whether there is one that could be chosen once its INFO, which has been asked for, is there.
bool awaitsInfo(const Step& step, const MonitoredMaster& master);

}  // namespace vigil::sentinel
