// CLUSTER FAILOVER, both sides: the master holds back its clients' writes, says where its log ends, and is replaced once
// its replica has all of it. FORCE leaves the master out; it may be gone.
//
//   replica:  MFSTART ->                 <- writes held back: the end is at offset X       X applied: election
//   master:             hold writes back, then PINGs that say so
//
// Not thread safe; within a Step.
#pragma once

#include <optional>
#include <string>

#include "cluster/failover_journal.h"
#include "cluster/speaker.h"
#include "cluster/step.h"

namespace vigil::cluster {

class ManualFailover {
 public:
  ManualFailover(State& state, Step& step, Speaker& speaker, FailoverJournal& journal)
      : state_(state), step_(step), speaker_(speaker), journal_(journal) {}

  // A replica's user wants it.
  void begin(bool force);
  // A replica of ours wants our role.
  void asked(Node& replica);
  void writesPaused();  // kPauseWrites has been carried out: what the log holds is all
  // A header of our master says that its writes are held back.
  void masterPaused(uint64_t offset);

  void tick();
  void stop();
  // Ends it if this node has changed its role: it is done, or somebody else was faster. Clients whose writes a former
  // master holds back are not to wait any longer.
  void followRole();
  // A master: a replica is taking over.
  bool givesAway() const { return until_ != 0 && !replica_.empty(); }
  // A replica: the election may begin.
  bool ready() const { return until_ != 0 && ready_; }

 private:
  State& state_;
  Step& step_;
  Speaker& speaker_;
  FailoverJournal& journal_;
  MonoUs until_ = 0;  // 0: none is under way
  bool ready_ = false;
  std::optional<uint64_t> end_;  // a replica: of the master's log
  std::string replica_;          // a master: who is to replace us; empty: nobody
  bool paused_ = false;
};

}  // namespace vigil::cluster
