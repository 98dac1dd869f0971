// The workload of most scenarios: a few groups of keys, each with strings, counters, lists and keys that expire, worked
// on by all kinds of commands. Every value is unique, so that nothing can be lost or doubled without being seen.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/sim_client.h"

namespace vigil::sim {

class MixedWorkload final : public Workload {
 public:
  struct Mix {
    size_t groups = 5;
    bool expiry = true;  // off where clocks jump
    bool blocking = true;
    bool transactions = true;
    bool wholeKeyspace = false;  // commands that take the world
    bool refusals = false;       // a node may refuse (-LOADING, -MISCONF, …), and then nothing happened
  };
  MixedWorkload(SimRandom& random, const Mix& mix) : random_(random), mix_(mix), histories_(mix.groups) {}

  std::vector<Request> next(int client, const std::vector<Request>& last) override;
  void finished(const Request& request) override;

  const std::vector<std::vector<Operation>>& histories() const { return histories_; }
  std::vector<std::vector<Operation>> takeHistories() {
    return std::exchange(histories_, std::vector<std::vector<Operation>>(mix_.groups));
  }
  size_t answered() const { return answered_; }
  // Operations so far on the group that had most: the search for an order grows with it.
  size_t longest() const;

  // Reads of everything, to close the histories with.
  std::vector<Request> readAll(size_t group) const;
  // Commands that read all keys of a group, without the one that expires.
  static std::vector<Words> readsOf(size_t group);
  static std::vector<std::string> keysOf(size_t group);

 private:
  Request plain(size_t group);
  Request blocking(size_t group);
  Request transaction(size_t group);
  Words simple(size_t group);
  std::string unique() { return "v" + std::to_string(++values_); }

  SimRandom& random_;
  const Mix mix_;
  std::vector<std::vector<Operation>> histories_;
  uint64_t values_ = 0;
  size_t answered_ = 0;
};

}  // namespace vigil::sim
