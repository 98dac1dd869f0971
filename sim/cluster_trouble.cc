#include "sim/cluster_run.h"

#include <algorithm>

namespace vigil::sim {

void ClusterRun::crash(SimNode& node) {
  if (!node.running()) return;
  const bool power = random_.chance(0.5);
  node.kill(power && powerCuts_ ? Death::kPowerLoss : Death::kKill);
  world_.after(random_.skewed(50 * kMs, 8 * kSecond), [&node] {
    if (!node.running()) (void)node.start();
  });
}

// From all others or from some, in one direction or both, for a while.
void ClusterRun::cutOff(SimNode& node) {
  const bool from = random_.chance(0.7);
  const bool to = !from || random_.chance(0.6);
  std::vector<std::string> others;
  for (const auto& other : nodes_) {
    if (other.get() != &node && random_.chance(0.8)) others.push_back(other->host());
  }
  world_.trace("network", "cuts off " + node.name() +
                              (from && to ? ""
                               : from     ? ", whom nobody hears"
                                          : ", who hears nobody"));
  for (const std::string& other : others) {
    if (from) network_.block(node.host(), other);
    if (to) network_.block(other, node.host());
  }
  world_.after(random_.between(500 * kMs, 8 * kSecond), [this, &node, others] {
    for (const std::string& other : others) {
      network_.unblock(node.host(), other);
      network_.unblock(other, node.host());
    }
  });
}

// In their own eyes.
std::vector<size_t> ClusterRun::replicas() {
  std::vector<size_t> found;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]->ready() &&
        look(*nodes_[i], [](const cluster::State& state) { return state.myself().isReplica(); })) {
      found.push_back(i);
    }
  }
  return found;
}

// Of those that own slots and serve.
std::vector<size_t> ClusterRun::mastersBut(size_t number) {
  std::vector<size_t> found;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const bool master = i != number && nodes_[i]->ready() && look(*nodes_[i], [](const cluster::State& state) {
      return state.myself().votes();
    });
    if (master) found.push_back(i);
  }
  return found;
}

void ClusterRun::type(size_t number, Words words) {
  const int client = 100 + static_cast<int>(orders_.size());
  orders_.push_back(std::make_unique<Order>(world_, network_, client, nodes_[number]->address(), std::move(words)));
}

void ClusterRun::failoverByHand(size_t number, bool force) {
  Words words = {"CLUSTER", "FAILOVER"};
  if (force) words.push_back("FORCE");
  type(number, std::move(words));
}

void ClusterRun::strike() {
  SimNode& node = *nodes_[random_.below(nodes_.size())];
  switch (random_.below(moves_ == Moves::kAtomic ? 12 : 8)) {
    case 0:
    case 1:
      return crash(node);
    case 2:
      return node.pause(random_.skewed(100 * kMs, 8 * kSecond));
    case 3:
    case 4:
      return cutOff(node);
    case 5:
      node.wallOffset += random_.between(-3600 * kSecond, 3600 * kSecond);
      return world_.trace(node.name(), "finds its clock moved");
    case 6:
      return moves_ == Moves::kAtomic ? moveAtomically() : reshard(true);
    case 8:
    case 9:
    case 10:
    case 11:
      return moveAtomically();
    default:
      for (size_t number : replicas()) {
        if (random_.chance(0.4)) failoverByHand(number, random_.chance(0.3));
      }
  }
}

void ClusterRun::trouble() {
  if (moves_ == Moves::kAtomic) powerCuts_ = random_.chance(0.3);
  network_.faults = drawNetworkFaults(random_);
  const SimTime until = world_.now() + random_.between(8, 30) * kSecond;
  while (world_.now() < until && !outcome_.failure) {
    world_.runFor(random_.skewed(100 * kMs, 5 * kSecond));
    strike();
  }
}

bool ClusterRun::anyIsMaster(const std::vector<size_t>& numbers) {
  return std::ranges::any_of(numbers, [this](size_t number) {
    return look(*nodes_[number], [](const cluster::State& state) { return state.myself().isMaster(); });
  });
}

// One or two at the same time, of which one must succeed: an epoch has one vote of each master.
void ClusterRun::changeRolesByHand() {
  for (uint64_t round = 0, rounds = 2 + random_.below(4); round < rounds && !outcome_.failure; ++round) {
    world_.runFor(random_.between(6 * kSecond, 9 * kSecond));
    std::vector<size_t> chosen = replicas();
    while (chosen.size() > 1 + random_.below(2)) {
      chosen.erase(chosen.begin() + static_cast<ptrdiff_t>(random_.below(chosen.size())));
    }
    for (size_t number : chosen) failoverByHand(number, false);
    if (!world_.runUntil([&] { return anyIsMaster(chosen); }, 10 * kSecond)) {
      return fail(nodes_[chosen.front()]->name() + " did not take over although nothing was wrong: " + positions());
    }
  }
}

}  // namespace vigil::sim
