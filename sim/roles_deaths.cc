#include "sim/roles.h"

#include "sim/questions.h"

namespace vigil::sim {

std::vector<size_t> Roles::replicasThat(bool running) const {
  std::vector<size_t> found;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (i != current_ && nodes_[i]->ready() == running) found.push_back(i);
  }
  return found;
}

size_t Roles::bestOf(const std::vector<size_t>& candidates) {
  return *std::ranges::max_element(candidates, {}, [this](size_t i) { return histories_.commonEnd(log(*nodes_[i])); });
}

// REPLICAOF NO ONE, and everybody else follows.
void Roles::promote(size_t number, const Needed& needed, const std::string& when) {
  SimNode& promoted = *nodes_[number];
  world_.trace("scenario", "promotes " + promoted.name());
  follow(number, number);
  if (!ask(world_, network_, promoted.address(), {{"REPLICAOF", "NO", "ONE"}}, false, kAnswerAtMost)) {
    return fail(promoted.name() + " did not answer to REPLICAOF NO ONE");
  }
  histories_.note(log(promoted));
  const size_t old = std::exchange(current_, number);
  checkMaster(needed, when);
  promises_->lessCopies(world_.now());
  promises_->lessDisks(world_.now());
  promises_->masterReplaced();
  for (size_t i = 0; i < nodes_.size() && !failed(); ++i) {
    if (i == number) continue;
    follow(i, number);
    if (i == old && !nodes_[i]->running()) continue;
    if (!bringUp(*nodes_[i])) return fail(nodes_[i]->name() + " did not start again: " + nodes_[i]->startError());
    if (!ask(world_, network_, nodes_[i]->address(), {{"REPLICAOF", promoted.host(), "6379"}}, false, kAnswerAtMost)) {
      return fail(nodes_[i]->name() + " did not answer to REPLICAOF");
    }
  }
  if (!nodes_[old]->running()) (void)nodes_[old]->start();
}

void Roles::loseMaster() {
  if (replicasThat(true).empty()) return;
  calm_ = true;
  holdClients();
  master().kill(random_.chance(0.5) ? Death::kPowerLoss : Death::kKill);
  world_.runFor(random_.skewed(kMs, 2 * kSecond));  // what travels arrives, who restarts is there
  std::vector<size_t> candidates = replicasThat(true);
  const auto all = static_cast<int>(nodes_.size()) - 1, running = static_cast<int>(candidates.size());
  while (candidates.size() > 1 && random_.chance(0.4)) {
    candidates.erase(candidates.begin() + static_cast<ptrdiff_t>(random_.below(candidates.size())));
  }
  const int asked = static_cast<int>(candidates.size());
  promote(bestOf(candidates), {.copies = running - asked + 1, .disks = all - asked + 1}, "after the master's death");
  releaseClients();
  calm_ = false;
}

void Roles::losePowerEverywhere() {
  calm_ = true;
  holdClients();
  world_.trace("scenario", "power is lost everywhere");
  for (auto& node : nodes_) node->kill(Death::kPowerLoss);
  promises_->powerLost();
  const bool masterReturns = random_.chance(0.5);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (i == current_ && !masterReturns) continue;
    if (!bringUp(*nodes_[i])) return fail(nodes_[i]->name() + " did not start again: " + nodes_[i]->startError());
  }
  if (masterReturns) {
    histories_.note(log(master()));
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (i != current_ && follows_[i] != current_) promises_->lessDisks(world_.now());  // as after a replica's death
    }
    checkMaster({.copies = Promises::kNever, .disks = Promises::kNever, .local = true}, "after the loss of all power");
  } else {
    std::vector<size_t> candidates = replicasThat(true);
    const auto all = static_cast<int>(candidates.size());
    while (candidates.size() > 1 && random_.chance(0.4)) {
      candidates.erase(candidates.begin() + static_cast<ptrdiff_t>(random_.below(candidates.size())));
    }
    const int asked = static_cast<int>(candidates.size());
    promote(bestOf(candidates), {.copies = Promises::kNever, .disks = all - asked + 1},
            "a replica promoted after the loss of all power");
  }
  releaseClients();
  calm_ = false;
}

void Roles::repoint() {
  const size_t number = random_.below(nodes_.size()), whom = random_.below(nodes_.size());
  if (number == current_ || isBehind(whom, number) || !nodes_[number]->ready()) return;
  calm_ = true;
  follow(number, whom);
  auto answers = ask(world_, network_, nodes_[number]->address(), {{"REPLICAOF", nodes_[whom]->host(), "6379"}}, false,
                     kAnswerAtMost);
  if (!answers) return fail(nodes_[number]->name() + " did not answer to REPLICAOF");
  // Another replica may have less than this one.
  if (whom != current_) {
    promises_->lessCopies(world_.now(), 1 + countBehind(number));
    promises_->lessDisks(world_.now(), 1 + countBehind(number));
  }
  calm_ = false;
}

}  // namespace vigil::sim
