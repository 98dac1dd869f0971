// A node of a Redis Cluster: membership, failure detection, elections, and who owns which slot. Pure.
//
//   Cluster        validates what comes and routes it
//    |- Links            connections, pings, handshakes
//    |- FailureDetector  PFAIL, reports, FAIL
//    |- Ownership        slots by configuration epoch, collisions
//    |- Election         votes, given and asked for
//    |- ManualFailover   CLUSTER FAILOVER
//    |- ReplicaMigration orphaned masters
//    |- SlotMigrations   atomic ones
//    |- Health           whether this node serves
//    |- FailoverJournal  what was seen of failovers
//    |- Speaker          what it says of all that
//    +- State            what they all know
//
// step() and command() return effects, to be carried out in their order (effect.h). No sockets, no clock; dice come from
// the seed. Not thread safe. Invariants are checked at the end of each step in debug builds.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "cluster/commands.h"
#include "cluster/election.h"
#include "cluster/failover_journal.h"
#include "cluster/failure.h"
#include "cluster/health.h"
#include "cluster/links.h"
#include "cluster/manual_failover.h"
#include "cluster/node_lines.h"
#include "cluster/ownership.h"
#include "cluster/replica_migration.h"
#include "cluster/slot_migrations.h"
#include "cluster/speaker.h"
#include "cluster/state.h"
#include "cluster/step.h"
#include "wire/cluster_bus.h"

namespace vigil::cluster {

struct Event {
  enum class Kind : uint8_t {
    kTick,
    kConnected,     // an attempt of ours on `link` succeeded
    kClosed,        // `link` is gone, or the attempt failed; `refused`
    kPacket,        // `message` came on `link`
    kWritesPaused,  // kPauseWrites has been carried out
    kMigration,     // `migration`
    kPublish,       // a client's PUBLISH: message.channel, message.payload; kPublishShard as its type
  };
  Kind kind = Kind::kTick;
  LinkId link = 0;
  bool refused = false;
  wire::BusMessage message = {};
  MigrationNews migration = {};
  std::string peerAddress = {};   // of the link, as the system sees it
  std::string localAddress = {};
};

class Cluster {
 public:
  explicit Cluster(uint64_t seed, const Moment& now);

  Effects step(const Moment& now, const Surroundings& around, const Options& options, const Event& event);
  Answer command(const Moment& now, const Surroundings& around, const Options& options, const Request& request);

  // Instead of a new node: the one that nodes.conf remembers. The error says what is wrong with it.
  Status restore(const Moment& now, const wire::NodesConf& conf);
  // What is on the disk but not ours: slots without an owner become ours, others' are to be imported.
  Effects claimLoaded(const Moment& now, const Surroundings& around, const Options& options, const SlotSet& loaded);

  // A record about a migration, of the log that this node continues; the log has begun anew, with nothing of them.
  void noted(const Moment& now, const MigrationRecord& record);
  void logReplaced() { migrations_.forgetRecords(); }

  const State& state() const { return state_; }
  const SlotMigrations& migrations() const { return migrations_; }
  const Speaker& speaker() const { return speaker_; }
  const FailureDetector& failures() const { return failures_; }
  const FailoverJournal& journal() const { return journal_; }
  uint64_t received(BusType type) const { return received_[static_cast<size_t>(type)]; }
  // A tick is wanted then at the latest; 0: none before the next regular one.
  MonoUs wakeAt() const { return step_.wakeAt; }

 private:
  friend class Commands;

  void begin(const Moment& now, const Surroundings& around, const Options& options);
  Effects end();
  void tick();
  void proceed();
  void onPacket(const Event& event);
  Node* senderOf(const Event& event);
  void noteSender(Node& sender, const BusMessage& message);
  void onPing(const Event& event, Node* sender);
  bool completeHandshake(Node& node, Node* sender, const Event& event);
  bool announcesAddress_ = false;  // cluster-announce-ip was set at the last step
  void learnOwnAddress(const Event& event);
  void updateAddress(Node& sender, const Event& event);
  void updateRole(Node& sender, const BusMessage& message);
  void updateSlots(Node& sender, const BusMessage& message);
  void onGossip(Node& sender, const BusMessage& message);
  void hearOf(Node& sender, const BusGossip& about);
  void onExtensions(Node& sender, const BusMessage& message);
  void onUpdate(const BusMessage& message);
  void onMessage(const BusMessage& message);
  void followNewAddress(const Node& node);
  void describeMyself();
  void letGo();
  void forget(Node& node);

  Step step_;
  State state_;
  Speaker speaker_{state_, step_};
  FailoverJournal journal_{state_, step_};
  FailureDetector failures_{state_, step_, speaker_, journal_};
  Links links_{state_, step_, speaker_, failures_};
  Ownership ownership_{state_, step_, speaker_, journal_};
  Election election_{state_, step_, speaker_, ownership_, journal_};
  std::string wantsRole_;  // the replica that asked for our role and has not got it yet; empty: none
  MonoUs wantsRoleAt_ = 0;
  ManualFailover manual_{state_, step_, speaker_, journal_};
  ReplicaMigration migration_{state_, step_, ownership_};
  SlotMigrations migrations_{state_, step_, speaker_, ownership_};
  Health health_{state_, step_};
  MonoUs lastTick_ = 0;
  std::array<uint64_t, wire::kBusTypes> received_{};
};

}  // namespace vigil::cluster
