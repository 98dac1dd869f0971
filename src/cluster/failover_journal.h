// What this node has seen of failovers: who took a master for dead and when, who stood and with what data, who voted, and
// what came of it. Decides nothing; the classes around it tell it what they do.
//
//   nothing --a master is suspected, or a hand-over asked for--> open --somebody has its slots--> succeeded
//      ^                                                          |  +--no hand-over, or it answers again--> given up
//      +------------ suspected, and answers before it has failed -+
//
// Each end is a block in the log. The last kKept of them are kept, in memory alone. Not thread safe; within a Step.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/failover_report.h"
#include "cluster/state.h"
#include "cluster/step.h"

namespace vigil::cluster {

inline constexpr FailoverReport::Terms kReportTerms = {.observer = "node", .rank = "rank"};

class FailoverJournal {
 public:
  static constexpr size_t kKept = 16;

  FailoverJournal(State& state, Step& step) : state_(state), step_(step) {}

  // Of the failover of that master which is under way; nullptr: there is none.
  FailoverReport* of(const Node& master);
  // That one, begun now if there is none.
  FailoverReport& begin(const Node& master, std::string cause);
  void reached(const Node& master, std::string_view stage);
  // How a replica of that master stands: the last word counts. `rank`: -1: as it was, or not known.
  void judge(const Node& master, const Node& replica, int64_t rank, std::string verdict);

  // --- Ends ---
  void dismiss(const Node& master);  // a suspicion of which nothing came
  void giveUp(const Node& master, std::string outcome);
  void succeed(const Node& master, const Node& by, uint64_t epoch);

  // A header: a master that was replaced may come back, not knowing that, and tell how much it had.
  void heard(const Node& sender, const BusMessage& message);

  // The latest that concerns this node, as the old master or the new one; empty: the latest. nullptr: there is none.
  const FailoverReport* latest(std::string_view node) const;

 private:
  struct Entry {
    std::string oldMaster;
    std::string newMaster;
    bool open = true;
    FailoverReport report;
  };

  Entry* open(const Node& master);
  void close(Entry& entry, std::string outcome);
  uint64_t offsetOf(const Node& node) const;

  State& state_;
  Step& step_;
  std::deque<Entry> entries_;  // as they began
};

}  // namespace vigil::cluster
