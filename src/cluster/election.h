// Failover: how a replica takes its master's place, and how masters vote.
//
//   idle --our master failed--> ranking --the offsets of siblings came, or 100 ms passed--> waiting (by rank)
//     ^                                                                                       |
//     |                            FAIL, then a request for votes, on every link              v
//     +-- a majority: promoted -------------------------------------------------------- asking
//     +-- no majority in time: again after a pause -------------------------------------------+
//
// A master that came back without its data, which this replica then refuses to do without, counts as failed for it. The
// others take that master for healthy, so the request is that of CLUSTER FAILOVER FORCE, which redis-server grants as well.
//
// A master votes once per epoch, and for one replica of a master within twice the node timeout. Its vote is durable
// before it leaves, and so is the epoch of a request.
//
// Not thread safe; within a Step.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "cluster/failover_journal.h"
#include "cluster/ownership.h"
#include "cluster/speaker.h"
#include "cluster/step.h"

namespace vigil::cluster {

class Election {
 public:
  Election(State& state, Step& step, Speaker& speaker, Ownership& ownership, FailoverJournal& journal)
      : state_(state), step_(step), speaker_(speaker), ownership_(ownership), journal_(journal) {}

  // A replica: goes on with whatever can go on. `manual`: its user wants it, and all is ready.
  void proceed(bool manual);
  void voted(const Node& by, uint64_t currentEpoch);
  // A master: a replica asks.
  void asked(Node& candidate, const BusMessage& request);
  // Takes over without asking anybody (TAKEOVER), in an epoch of its own making.
  void takeOver();

  // A user wants it too: what only waits for its time begins anew, but votes that were asked for count.
  void hurry() {
    if (stage_ != Stage::kAsking) stop();
  }
  void stop();  // what is under way does not count any more
  bool underWay() const { return stage_ != Stage::kIdle; }

 private:
  enum class Stage : uint8_t { kIdle, kRanking, kWaiting, kAsking, kPausing };

  bool electable(bool manual);
  bool masterGone() const;
  bool dataTooOld() const;
  void begin(bool manual);
  void rankWhenHeard();
  void ask();
  void win();
  void promote();
  int rankOf(const Node& replica) const;
  void reportCandidates();
  int placeAmongFailed() const;
  MonoUs patience() const;
  void refuseOnce(std::string why);

  State& state_;
  Step& step_;
  Speaker& speaker_;
  Ownership& ownership_;
  FailoverJournal& journal_;
  Stage stage_ = Stage::kIdle;
  bool manual_ = false;
  MonoUs since_ = 0;   // kRanking, kAsking: since when
  MonoUs until_ = 0;   // kWaiting, kPausing: not before
  uint64_t epoch_ = 0;  // kAsking: in which votes count
  std::set<std::string> votes_;
  std::string refused_;  // why this replica does not stand, as it was logged last
};

}  // namespace vigil::cluster
