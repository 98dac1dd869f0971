#include "replication/master_side.h"

#include <algorithm>

#include "replication/planted_bugs.h"

namespace vigil::replication {

namespace {
constexpr MonoUs kSecond = 1'000'000;
}

std::string Replica::name() const {
  std::string port = traits.listeningPort != 0 ? std::to_string(traits.listeningPort) : "<unknown-replica-port>";
  return host() + ":" + port;
}

std::string_view Replica::stateName() const {
  switch (state) {
    case ReplicaState::kWaitSnapshot:
      return "wait_bgsave";
    case ReplicaState::kSendSnapshot:
      return "send_bulk";
    case ReplicaState::kOnline:
      return "online";
  }
  return "";
}

const Replica* MasterSide::find(uint64_t id) const {
  auto at = replicas_.find(id);
  return at == replicas_.end() ? nullptr : &at->second;
}

Effects MasterSide::attachPartial(MonoUs now, uint64_t id, ReplicaTraits traits, std::string address) {
  Replica& replica = replicas_[id];
  replica = {.id = id, .traits = std::move(traits), .address = std::move(address), .state = ReplicaState::kOnline};
  replica.lastAck = now;
  aloneSince_ = 0;
  return {{.kind = Effect::Kind::kPutOnline, .id = id}};
}

Effects MasterSide::attachFull(MonoUs now, uint64_t id, ReplicaTraits traits, std::string address,
                               const MasterOptions& options) {
  Replica& replica = replicas_[id];
  replica = {.id = id, .traits = std::move(traits), .address = std::move(address)};
  replica.lastAck = replica.waitsSince = now;
  aloneSince_ = 0;
  if (snapshotRunning_) {
    return {Effect::log(LogLevel::kNotice,
                        snapshotDiskless_
                            ? "Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC"
                            : "Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC")};
  }
  Effects effects = maybeStart(now, options);
  if (effects.empty()) effects.push_back(Effect::log(LogLevel::kNotice, "Delay next BGSAVE for diskless SYNC"));
  return effects;
}

Effects MasterSide::maybeStart(MonoUs now, const MasterOptions& options) {
  if (snapshotRunning_) return {};
  std::vector<uint64_t> ids;
  MonoUs longest = 0;
  bool diskless = options.diskless;
  for (const auto& [id, replica] : replicas_) {
    if (replica.state != ReplicaState::kWaitSnapshot) continue;
    // Those who want something else wait for a snapshot of their own.
    if (!ids.empty() && replica.traits.withoutData != replicas_[ids.front()].traits.withoutData) continue;
    ids.push_back(id);
    longest = std::max(longest, now - replica.waitsSince);
    if (!replica.traits.eof) diskless = false;  // one that needs a length gets the file; so do the others with it
  }
  if (ids.empty()) return {};
  // A file would take the place of the RDB file, and has no data.
  if (replicas_[ids.front()].traits.withoutData) diskless = true;
  const bool enough =
      options.disklessMaxReplicas > 0 && static_cast<int64_t>(ids.size()) >= options.disklessMaxReplicas;
  if (diskless && !enough && longest < options.disklessDelaySeconds * kSecond) return {};
  snapshotRunning_ = true;
  snapshotDiskless_ = diskless;
  Effect start{.kind = Effect::Kind::kStartSnapshot};
  start.ids = std::move(ids);
  start.diskless = diskless;
  return {Effect::log(LogLevel::kNotice,
                      std::string("Starting BGSAVE for SYNC with target: ") + (diskless ? "replicas sockets" : "disk")),
          std::move(start)};
}

void MasterSide::snapshotBegan(MonoUs now, const std::vector<uint64_t>& ids, oplog::Offset at) {
  for (uint64_t id : ids) {
    auto found = replicas_.find(id);
    if (found == replicas_.end()) continue;
    Replica& replica = found->second;
    replica.state = ReplicaState::kSendSnapshot;
    replica.diskless = snapshotDiskless_;
    replica.snapshot = at;  // acknowledged only once it has been loaded there
    replica.lastAck = now;
  }
}

Effects MasterSide::snapshotSent(MonoUs now, uint64_t id) {
  auto at = replicas_.find(id);
  if (at == replicas_.end() || at->second.state != ReplicaState::kSendSnapshot) return {};
  Replica& replica = at->second;
  replica.lastAck = now;
  if (replica.traits.rdbOnly) {
    return {Effect::log(LogLevel::kNotice, "RDB transfer completed, rdb only replica (" + replica.name() +
                                               ") should be disconnected asap"),
            {.kind = Effect::Kind::kDrop, .id = id}};
  }
  if (replica.diskless) {
    replica.onlineOnAck = true;
    return {Effect::log(LogLevel::kNotice, "Streamed RDB transfer with replica " + replica.name() +
                                               " succeeded (socket). Waiting for REPLCONF ACK from slave to enable "
                                               "streaming")};
  }
  replica.state = ReplicaState::kOnline;
  return {{.kind = Effect::Kind::kPutOnline, .id = id},
          Effect::log(LogLevel::kNotice, "Synchronization with replica " + replica.name() + " succeeded")};
}

void MasterSide::snapshotFlowed(MonoUs when, uint64_t id) {
  auto at = replicas_.find(id);
  if (at != replicas_.end() && at->second.state == ReplicaState::kSendSnapshot && !at->second.onlineOnAck) {
    at->second.lastAck = std::max(at->second.lastAck, when);
  }
}

Effects MasterSide::snapshotEnded(MonoUs now, bool success, const MasterOptions& options) {
  Effects effects;
  snapshotRunning_ = false;
  if (!success) {
    for (const auto& [id, replica] : replicas_) {
      if (replica.state != ReplicaState::kSendSnapshot || replica.onlineOnAck) continue;
      effects.push_back(Effect::log(LogLevel::kWarning, "SYNC failed. BGSAVE child returned an error"));
      effects.push_back({.kind = Effect::Kind::kDrop, .id = id});
    }
  }
  Effects next = maybeStart(now, options);
  std::move(next.begin(), next.end(), std::back_inserter(effects));
  return effects;
}

Effects MasterSide::acked(MonoUs now, uint64_t id, oplog::Offset offset, oplog::Offset durable) {
  auto at = replicas_.find(id);
  if (at == replicas_.end()) return {};
  Replica& replica = at->second;
  replica.lastAck = now;
  replica.acked = std::max(replica.acked, offset);
  replica.durable = durable;  // also backwards: its AOF was turned off
  if (!replica.onlineOnAck) return {};
  replica.onlineOnAck = false;
  replica.state = ReplicaState::kOnline;
  return {{.kind = Effect::Kind::kPutOnline, .id = id},
          Effect::log(LogLevel::kNotice, "Synchronization with replica " + replica.name() + " succeeded")};
}

Effects MasterSide::gone(MonoUs now, uint64_t id) {
  auto at = replicas_.find(id);
  if (at == replicas_.end()) return {};
  Effects effects{Effect::log(LogLevel::kNotice, "Connection with replica " + at->second.name() + " lost.")};
  replicas_.erase(at);
  if (replicas_.empty()) aloneSince_ = now;
  return effects;
}

Effects MasterSide::tick(MonoUs now, bool isMaster, bool backlog, const MasterOptions& options) {
  Effects effects;
  for (const auto& [id, replica] : replicas_) {
    if (now - replica.lastAck <= options.timeoutSeconds * kSecond || replica.state == ReplicaState::kWaitSnapshot) continue;
    if (replica.traits.legacy && (replica.state == ReplicaState::kOnline || replica.onlineOnAck)) continue;  // never heard
    effects.push_back(
        Effect::log(LogLevel::kWarning, std::string("Disconnecting timedout replica (") +
                                            (replica.state == ReplicaState::kOnline ? "streaming" : "full") +
                                            " sync): " + replica.name()));
    effects.push_back({.kind = Effect::Kind::kDrop, .id = id});
  }
  Effects start = maybeStart(now, options);
  std::move(start.begin(), start.end(), std::back_inserter(effects));
  if (isMaster && !replicas_.empty() && now - lastPing_ >= options.pingSeconds * kSecond) {
    lastPing_ = now;
    effects.push_back({.kind = Effect::Kind::kPing});
  }
  if (isMaster && backlog && replicas_.empty() && options.backlogTtlSeconds > 0) {
    if (aloneSince_ == 0) aloneSince_ = now;
    if (now - aloneSince_ > options.backlogTtlSeconds * kSecond) {
      aloneSince_ = now;
      effects.push_back(Effect::log(LogLevel::kNotice, "Replication backlog freed after " +
                                                           std::to_string(options.backlogTtlSeconds) +
                                                           " seconds without connected replicas."));
      effects.push_back({.kind = Effect::Kind::kDropBacklog});
    }
  }
  return effects;
}

size_t MasterSide::countAcked(oplog::Offset offset) const {
  return static_cast<size_t>(std::count_if(replicas_.begin(), replicas_.end(), [offset](const auto& r) {
    return r.second.state == ReplicaState::kOnline && (r.second.acked >= offset || planted(kWaitCountsOnline));
  }));
}

size_t MasterSide::countDurable(oplog::Offset offset) const {
  return static_cast<size_t>(std::count_if(replicas_.begin(), replicas_.end(), [offset](const auto& r) {
    return r.second.state == ReplicaState::kOnline && r.second.durable >= offset;
  }));
}

size_t MasterSide::countGood(MonoUs now, const MasterOptions& options) const {
  return static_cast<size_t>(std::count_if(replicas_.begin(), replicas_.end(), [&](const auto& r) {
    return r.second.state == ReplicaState::kOnline &&
           now - r.second.lastAck <= options.minReplicasMaxLagSeconds * kSecond;
  }));
}

}  // namespace vigil::replication
