// What the configuration and the rest of the node tell the cluster's core, at each step.
#pragma once

#include <cstdint>
#include <string>

#include "base/ports/clock.h"

namespace vigil::cluster {

struct Options {
  MonoUs nodeTimeout = 15'000'000;  // cluster-node-timeout
  MonoUs refusedTimeout = 0;        // cluster-refused-timeout; 0: refused connections are no evidence
  int64_t migrationBarrier = 1;
  int64_t replicaValidityFactor = 10;
  bool replicaNoFailover = false;
  bool requireFullCoverage = true;
  bool allowReplicaMigration = true;
  MonoUs replicaPingPeriod = 10'000'000;  // repl-ping-replica-period

  // Where others reach this node. Ports as announced, or as listened on; the plaintext port is 0 unless `port` is TLS.
  std::string address;  // cluster-announce-ip; empty: ours is learned from those who meet us, and others see where we come from
  uint16_t port = 0;
  uint16_t plainPort = 0;
  uint16_t busPort = 0;
  std::string hostName;
  std::string humanName;
};

// The times of a step. Decisions are made on `mono` alone; `wall` is for what others are shown.
struct Moment {
  MonoUs mono = 0;  // not 0: that stands for "never"
  UnixMs wall = 0;
};

// How this node's data stand.
struct Surroundings {
  uint64_t offset = 0;         // of the replication log
  bool linkUp = false;         // as a replica: to the master
  MonoUs masterHeard = 0;      // when something came from it last
  bool linkedOnce = false;     // its data became ours since this process followed it
  bool masterEmpty = false;    // it offers no data, and we keep those that we have (master_refused:empty)
  bool busy = false;           // the data plane stands still: do not answer for it
};

}  // namespace vigil::cluster
