// A node as master of replicas: which replica gets what when. Pure.
//
//                                    +--> partial ---------------------------------------------------------> online
//   attached (PSYNC arrived, see psync.h)                                                                       ^
//                                    +--> wait_bgsave --snapshot begins--> send_bulk --sent--+--from disk-------+
//                                             ^                                |              +--diskless: first ACK
//                                             +--- another snapshot runs      gone / timed out
//
// Replicas that wait share the next snapshot. From disk it starts at once; diskless it waits repl-diskless-sync-delay
// for others, unless -max-replicas wait already.
//
// Not thread safe. Times in microseconds of a monotonic clock.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/ports/clock.h"
#include "replication/effect.h"

namespace vigil::replication {

struct MasterOptions {
  bool diskless = true;  // repl-diskless-sync
  int64_t disklessDelaySeconds = 5;
  int64_t disklessMaxReplicas = 0;
  int64_t timeoutSeconds = 60;            // repl-timeout
  int64_t pingSeconds = 10;               // repl-ping-replica-period
  int64_t backlogTtlSeconds = 3600;       // repl-backlog-ttl
  int64_t minReplicas = 0;                // min-replicas-to-write
  int64_t minReplicasMaxLagSeconds = 10;  // min-replicas-max-lag
};

// What a replica said of itself before PSYNC (REPLCONF).
struct ReplicaTraits {
  uint16_t listeningPort = 0;
  std::string address;  // replica-announce-ip
  bool eof = false;     // takes a transfer of no known length
  bool psync2 = false;
  bool legacy = false;  // SYNC: never acknowledges anything
  bool rdbOnly = false;  // wants the snapshot and nothing behind it (redis-cli --rdb)
  bool withoutData = false;  // rdb-filter-only without what is data: functions alone
};

enum class ReplicaState : uint8_t { kWaitSnapshot, kSendSnapshot, kOnline };

struct Replica {
  uint64_t id = 0;
  ReplicaTraits traits;
  std::string address;  // as seen by us
  ReplicaState state = ReplicaState::kWaitSnapshot;
  oplog::Offset acked = 0;     // as it said since it attached
  oplog::Offset snapshot = 0;  // as of where its snapshot was taken
  oplog::Offset durable = -1;  // as it said: on its disk; -1: it has no AOF, or does not say
  MonoUs lastAck = 0;  // or since when we wait for one, or for its socket to take something of the snapshot
  MonoUs waitsSince = 0;
  bool diskless = false;     // how its snapshot comes
  bool onlineOnAck = false;  // diskless and sent: the stream begins with its first ACK

  std::string name() const;  // host:port for log lines and INFO
  std::string host() const { return traits.address.empty() ? address : traits.address; }
  std::string_view stateName() const;
};

class MasterSide {
 public:
  // A replica whose PSYNC was answered. A partial one is online at once.
  Effects attachPartial(MonoUs now, uint64_t id, ReplicaTraits traits, std::string address);
  Effects attachFull(MonoUs now, uint64_t id, ReplicaTraits traits, std::string address, const MasterOptions& options);
  // The snapshot of the last kStartSnapshot: its moment has come.
  void snapshotBegan(MonoUs now, const std::vector<uint64_t>& ids, oplog::Offset at);
  // When its socket last took something of the snapshot, or there was nothing to take. A replica that takes nothing for
  // repl-timeout is dropped.
  void snapshotFlowed(MonoUs when, uint64_t id);
  Effects snapshotSent(MonoUs now, uint64_t id);  // all of it is in this replica's socket
  Effects snapshotEnded(MonoUs now, bool success, const MasterOptions& options);
  Effects acked(MonoUs now, uint64_t id, oplog::Offset offset, oplog::Offset durable);
  Effects gone(MonoUs now, uint64_t id);
  Effects tick(MonoUs now, bool isMaster, bool backlog, const MasterOptions& options);

  const std::map<uint64_t, Replica>& replicas() const { return replicas_; }
  const Replica* find(uint64_t id) const;
  size_t countAcked(oplog::Offset offset) const;  // online replicas that have it: WAIT
  size_t countDurable(oplog::Offset offset) const;  // online replicas that have it on disk: WAITAOF
  size_t countGood(MonoUs now, const MasterOptions& options) const;
  bool snapshotRunning() const { return snapshotRunning_; }

 private:
  Effects maybeStart(MonoUs now, const MasterOptions& options);

  std::map<uint64_t, Replica> replicas_;
  bool snapshotRunning_ = false;
  bool snapshotDiskless_ = false;
  MonoUs lastPing_ = 0;
  MonoUs aloneSince_ = 0;  // no replica since; 0: there is one
};

}  // namespace vigil::replication
