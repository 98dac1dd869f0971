// Who is failing. A node that does not answer within the node timeout is suspected (PFAIL) by whoever notices; when a
// majority of the masters that own slots say so, it has failed (FAIL), which is told to everybody.
//
//   reachable --no answer for the timeout, or refused for long enough--> PFAIL --reports of a majority--> FAIL
//       ^------------------- answers --------------------------------------+                               |
//       ^------------------- answers, and has no slots or nobody took them over for a while -----------------+
//
// Not thread safe; within a Step.
#pragma once

#include <string_view>

#include "cluster/failover_journal.h"
#include "cluster/speaker.h"
#include "cluster/step.h"

namespace vigil::cluster {

class FailureDetector {
 public:
  FailureDetector(State& state, Step& step, Speaker& speaker, FailoverJournal& journal)
      : state_(state), step_(step), speaker_(speaker), journal_(journal) {}

  void tick();
  void refused(Node& node);                                // an attempt to connect to it
  void answered(Node& node);                               // a PONG
  void reported(Node& about, const Node& by, bool failing);  // gossip of a master
  void announced(const Node& by, std::string_view id);     // FAIL

  size_t reportCount(const Node& node) const;  // that are valid

 private:
  void suspect(Node& node, std::string_view why, MonoUs since);
  void setFailed(Node& node);
  void spreadSuspicion(const Node& node);
  void maybeFail(Node& node);
  void expireReports(Node& node);
  bool refusedForLong(const Node& node) const;
  bool hasElectableReplica(const Node& master) const;

  State& state_;
  Step& step_;
  Speaker& speaker_;
  FailoverJournal& journal_;
};

}  // namespace vigil::cluster
