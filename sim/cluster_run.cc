#include "sim/cluster_run.h"

#include <algorithm>

#include "sim/questions.h"

namespace vigil::sim {

namespace {

constexpr SimTime kFormAtMost = 60 * kSecond;
constexpr size_t kWriters = 6;

}  // namespace

void ClusterRun::addNode(size_t number) {
  const std::string digits = std::to_string(10 + number);
  nodes_.push_back(std::make_unique<SimNode>(world_, network_, "node" + std::to_string(number), "10.0.0." + digits,
                                             1 + random_.below(2)));
  nodes_.back()->configuration = {{"save", ""},
                                  {"cluster-enabled", "yes"},
                                  {"cluster-node-timeout", random_.chance(0.5) ? "1000" : "2000"},
                                  {"cluster-refused-timeout", random_.chance(0.3) ? "300" : "0"},
                                  {"cluster-replica-validity-factor", "0"},
                                  {"repl-diskless-sync-delay", "0"},
                                  {"repl-timeout", "4"},
                                  {"repl-ping-replica-period", "1"},
                                  {"appendonly", "yes"},
                                  {"appendfsync", random_.chance(0.3) ? "always" : "everysec"}};
}

bool ClusterRun::command(size_t number, Words words) {
  const auto answer = ask(world_, network_, nodes_[number]->address(), {words});
  if (answer && answer->front() == "+OK") return true;
  fail(brief(words) + ": " + (answer ? answer->front() : "no answer"));
  return false;
}

bool ClusterRun::shareSlots() {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!command(i, {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)})) return false;
    if (i >= masters_) continue;
    const size_t first = kSlotCount * i / masters_, last = kSlotCount * (i + 1) / masters_ - 1;
    if (!command(i, {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)})) return false;
  }
  return true;
}

bool ClusterRun::meet() {
  for (size_t i = 1; i < nodes_.size(); ++i) {
    if (!command(i, {"CLUSTER", "MEET", nodes_[0]->host(), std::to_string(SimNode::kPort)})) return false;
  }
  const bool met = world_.runUntil(
      [this] {
        return std::ranges::all_of(nodes_, [this](const auto& node) {
          return look(*node, [this](const cluster::State& state) {
            return state.nodes().size() == nodes_.size() &&
                   std::ranges::none_of(state.nodes(), [](const auto& entry) { return entry.second->inHandshake(); });
          });
        });
      },
      kFormAtMost);
  if (!met) fail("the nodes did not get to know each other");
  return met;
}

bool ClusterRun::followMasters() {
  for (const auto& node : nodes_) {
    ids_.push_back(look(*node, [](const cluster::State& state) { return state.myself().id; }));
  }
  for (size_t i = masters_; i < nodes_.size(); ++i) {
    if (!command(i, {"CLUSTER", "REPLICATE", ids_[i % masters_]})) return false;
  }
  if (comesTo([this] { return oneView() && replicasHoldAll(); }, kFormAtMost)) return true;
  fail("the cluster did not form: " + positions());
  return false;
}

bool ClusterRun::form() {
  masters_ = 3 + random_.below(2);
  const size_t count = masters_ * 2 + random_.below(3);
  for (size_t i = 0; i < count; ++i) addNode(i);
  for (auto& node : nodes_) {
    if (node->startAndLoad()) continue;
    fail(node->name() + " did not start: " + node->startError());
    return false;
  }
  if (!shareSlots() || !meet() || !followMasters()) return false;
  std::vector<Endpoint> addresses;
  for (const auto& node : nodes_) addresses.push_back(node->address());
  writers_ = std::make_unique<ClusterWriters>(world_, network_, kWriters, std::move(addresses));
  writers_->start();
  return true;
}

}  // namespace vigil::sim
