// All scenarios by name.
#include "sim/scenario_aof.h"
#include "sim/scenario_cluster.h"
#include "sim/scenario_engine.h"
#include "sim/scenario_rdb.h"
#include "sim/scenario_replication.h"
#include "sim/scenario_roles.h"
#include "sim/scenario_sentinel.h"

namespace vigil::sim {

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = {
      {"engine", "one node: commands, transactions, blocking and expiry are linearizable", runEngineScenario},
      {"rdb", "one node that saves while clients write: what it loads is the state of one moment", runRdbScenario},
      {"always", "one node, appendfsync always: deaths and a failing disk lose nothing acknowledged",
       runAlwaysScenario},
      {"everysec", "one node, appendfsync everysec: at most two seconds are lost, with the machine",
       runEverysecScenario},
      {"replication", "a master with replicas and links that are cut: what replicas show, and that all converge",
       runReplicationScenario},
      {"master-dies", "the same, and the master dies and recovers from its AOF", runMasterDiesScenario},
      {"sentinel", "Sentinels over a master and replicas: safe whatever breaks, and agreed once it has healed",
       runSentinelScenario},
      {"sentinel-forced", "the same, and users force failovers meanwhile: agreed once it has healed",
       runSentinelForcedScenario},
      {"cluster", "a cluster whose nodes die, pause and are cut off: elections, and that it heals", runClusterScenario},
      {"cluster-by-hand", "a cluster whose roles are changed by hand only: nothing acknowledged is lost",
       runClusterByHandScenario},
      {"cluster-moves", "the same with slots that move atomically: each migration ends, and every key is in one place",
       runClusterMovesScenario},
      {"cluster-moves-in-peace", "slots move atomically while roles are changed by hand: nothing acknowledged is lost",
       runClusterMovesInPeaceScenario},
      {"roles", "masters change, wanted or not: what WAIT, WAITAOF and FAILOVER promised holds", runRolesScenario},
  };
  return all;
}

}  // namespace vigil::sim
