// Clients that add values to lists and ask WAIT and WAITAOF, and what the servers have thereby promised.
//
// Every write is one transaction that adds a value, used only once, to both lists of a group and reads one. Nothing is
// ever taken away, so in whatever a server shows, what stands in front of a value is what stood there when its master
// took it: a list that breaks this was never held by any master, whoever is or was master.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/sim_client.h"

namespace vigil::sim {

class Promises final : public Workload {
 public:
  Promises(SimRandom& random, size_t groups, size_t replicas) : random_(random), groups_(groups), replicas_(replicas) {}

  std::vector<Request> next(int client, const std::vector<Request>& last) override;
  void finished(const Request& request) override;

  // Reads of both lists of every group, to be asked as one transaction.
  std::vector<Words> readAll() const;
  static std::vector<Words> readsOf(size_t group);
  // Checks what a server showed for readsOf(group), each answer as render() has it.
  void see(size_t group, const std::vector<std::string>& answers, const std::string& who);

  // A replica that may have counted for promises does not count any more: it lost its memory, was sent to follow
  // another replica, or became master. Likewise for its disk.
  void lessCopies(SimTime now, int count = 1);
  void lessDisks(SimTime now, int count = 1);
  void powerLost();       // everywhere: what is in memory counts no more
  void masterReplaced();  // the disk that "local" named is no master's any more

  // What must be there when a master was lost: in the memory of so many replicas, on the disks of so many, or on the
  // master's own. What is not there and need not be is forgotten. `answers`: of readAll().
  struct Needed {
    int copies = 0;  // every promise has at least that many
    int disks = 0;
    bool local = false;
  };
  static constexpr int kNever = 1000;
  void check(const std::vector<std::string>& answers, const Needed& needed, const std::string& when);

  const std::optional<std::string>& failure() const { return failure_; }
  size_t answered() const { return answered_; }

 private:
  struct Promise {
    size_t group;
    std::string value;
    SimTime asked;
    int copies = 0;
    int disks = 0;
    bool local = false;
  };

  void fail(std::string why) {
    if (!failure_) failure_ = std::move(why);
  }
  Request push(int client);
  std::optional<Request> wait();
  void pushed(const Operation& operation);
  void waited(const Operation& operation);
  int since(const std::vector<SimTime>& losses, SimTime asked) const;

  SimRandom& random_;
  const size_t groups_;
  const size_t replicas_;
  uint64_t values_ = 0;
  size_t answered_ = 0;
  std::vector<std::map<std::string, std::string>> before_{groups_};  // what stands in front of each value
  std::vector<Promise> kept_;
  std::map<int, std::optional<size_t>> latest_;  // of each client: its last promise in kept_, if the write was answered
  std::vector<SimTime> copiesLost_;
  std::vector<SimTime> disksLost_;
  std::optional<std::string> failure_;
};

// A client that now and then looks at what a node shows, which never goes back unless `version` has changed.
class Watcher final : public Workload {
 public:
  Watcher(SimWorld& world, SimNetwork& network, int number, const Endpoint& node, size_t groups, Promises& promises,
          std::function<size_t()> version);
  void start() { client_.start(); }
  void stop() { client_.stop(); }
  const std::optional<std::string>& failure() const { return failure_; }

  std::vector<Request> next(int client, const std::vector<Request>& last) override;
  void finished(const Request& request) override;

 private:
  struct Look {
    size_t version = 0;  // before it was asked for
    std::string list = "[]";
  };

  SimWorld& world_;
  const std::string name_;
  Promises& promises_;
  const std::function<size_t()> version_;
  std::vector<Look> looks_;  // the last one of each group
  size_t asked_ = 0;         // version() when the look under way was asked for
  std::optional<std::string> failure_;
  SimClient client_;
};

}  // namespace vigil::sim
