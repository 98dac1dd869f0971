// Atomic migration of slots: both ends of each, and what replicas must know of it to continue either.
//
//   source                                                            target
//   snapshot of the slots, then the log's tail    ----------------->  copies, hidden, in its own log (record: STAGE)
//   almost caught up: commands on the slots wait, record HANDOFF
//     our replicas have it, the target has all up to it
//   CLAIM                                         ----------------->  its replicas have all: record COMMIT
//                                                                     they have that too: epoch and slots are durable,
//   the slots are the target's: MOVED             <-- the bus ------  the engine serves them: claimed
//   keys deleted, record ENDHANDOFF
//
// Whoever gives up before CLAIM has left has lost nothing: the source goes on, the target deletes the copies (DISCARD).
// From CLAIM on only the target's log knows: the source's commands on the slots wait, and it asks the target, or whoever
// took its place, until it hears. A replica that takes the source's place finds the HANDOFF: it leaves those slots to whom
// they were, and asks. One that takes the target's place finds the COMMIT, and claims when it is asked; or only the STAGE,
// then it deletes the copies and says so.
//
// Not thread safe; within a Step.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "cluster/migration_job.h"
#include "cluster/ownership.h"
#include "cluster/speaker.h"
#include "cluster/step.h"

namespace vigil::cluster {

struct MigrationPlan {
  SlotSet slots = {};
  std::string target = {};
};

class SlotMigrations {
 public:
  SlotMigrations(State& state, Step& step, Speaker& speaker, Ownership& ownership)
      : state_(state), step_(step), speaker_(speaker), ownership_(ownership) {}

  // --- Commands; the error, or empty ---
  std::string begin(const std::vector<MigrationPlan>& plans);
  std::string cancel();
  // As the target. `held`: slots of these that have keys here.
  std::string receive(const std::string& job, const std::string& source, const SlotSet& slots, const SlotSet& held);
  // `epoch`: of the source's configuration.
  std::string claim(const std::string& job, uint64_t epoch);
  // What came of it: empty if the slots are ours, or will be; an error that begins with DROPPED if they never will.
  std::string outcome(const std::string& job, uint64_t epoch, const SlotSet& slots);
  // Whether what somebody wants to do with slots must wait for the end of a hand-over. The error, or empty.
  std::string busy() const;
  // While a replica takes our place no hand-over of slots begins.
  void setBetweenRoles(bool between) { betweenRoles_ = between; }
  bool concerns(uint16_t slot) const;  // one that is under way

  void heard(const MigrationNews& news);
  void tick();
  // After whatever happened: roles and owners may have changed.
  void follow();
  // A record of the log that this node continues.
  void noted(const MigrationRecord& record);
  // The log that this node continues is another one, from its beginning.
  void forgetRecords();
  // What this node has loaded tells of migrations that it had not finished.
  void recovered();

  const std::deque<MigrationJob>& jobs() const { return jobs_; }  // the newest first

 private:
  static constexpr size_t kKept = 1000;  // jobs that are over, as many as Valkey keeps by default
  static constexpr uint64_t kCloseEnough = 1 << 20;        // bytes of the log that the target may lack when commands begin to wait
  static constexpr MonoUs kConnectPatience = 10'000'000;
  static constexpr MonoUs kHoldPatience = 2'000'000;  // from the first command that waits to CLAIM
  static constexpr MonoUs kPreparePatience = 2'000'000;
  static constexpr MonoUs kCommitAgain = 10'000'000;
  static constexpr MonoUs kAskAgain = 200'000;

  using Stage = MigrationJob::Stage;
  using Kind = MigrationOrder::Kind;

  MigrationJob* find(const std::string& name);
  MigrationJob& add(std::string name, bool exports, const SlotSet& slots, std::string source, std::string target);
  std::string refusal(const MigrationPlan& plan) const;
  std::string incapable(const Node& head) const;
  size_t acknowledgers() const;
  bool allOwnedBy(const SlotSet& slots, const Node* node) const;
  SlotSet othersOf(const SlotSet& slots) const;  // without our own
  bool allElsewhere(const SlotSet& slots) const;
  Node* headOf(const MigrationJob& job);
  void enter(MigrationJob& job, Stage stage, MonoUs patience = 0);
  void order(const MigrationJob& job, Kind kind, MigrationOrder extra = {});
  void record(const MigrationJob& job, MigrationRecord::Kind kind);
  void end(MigrationJob& job, Stage stage, std::string message);
  void trim();

  // The source's.
  void watch(MigrationJob& job);
  void onSource(MigrationJob& job, const MigrationNews& news);
  void hold(MigrationJob& job);
  void maybeClaim(MigrationJob& job);
  void giveUp(MigrationJob& job, std::string why, Stage stage = Stage::kFailed);
  void askLater(MigrationJob& job, MonoUs delay);
  void takeBack(MigrationJob& job);
  void release(MigrationJob& job);
  void dropStale();
  void succeed(MigrationJob& job);
  void swept(const std::string& job);

  // The target's.
  void watchImport(MigrationJob& job);
  void onTarget(MigrationJob& job, const MigrationNews& news);
  void takeSlots(MigrationJob& job);
  void drop(MigrationJob& job, std::string why);

  void becameMaster();
  void ceasedToBeMaster();
  void updateHandedOff();

  State& state_;
  Step& step_;
  Speaker& speaker_;
  Ownership& ownership_;
  std::deque<MigrationJob> jobs_;
  size_t active_ = 0;
  std::map<std::string, MigrationRecord> records_;  // by job; without those that have ended
  bool wasMaster_ = true;
  bool betweenRoles_ = false;
};

}  // namespace vigil::cluster
