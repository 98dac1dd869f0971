// Slots that move atomically, with CLUSTER MIGRATESLOTS, and what must be true of them once all is quiet.
#include <algorithm>

#include "base/crc16.h"
#include "sim/cluster_run.h"

namespace vigil::sim {

namespace {

constexpr SimTime kEndAtMost = 60 * kSecond;

}  // namespace

// The slots of one or more writers that are one master's go to another master. Some orders are taken back.
void ClusterRun::moveAtomically() {
  const auto& writers = writers_->writers();
  const auto from = ownerOf(keySlot(writers[random_.below(writers.size())].key));
  if (!from || !nodes_[*from]->ready()) return;
  const std::vector<size_t> others = mastersBut(*from);
  if (others.empty()) return;
  const size_t to = others[random_.below(others.size())];
  Words words = {"CLUSTER", "MIGRATESLOTS", "SLOTSRANGE"};
  std::string slots;
  for (const auto& writer : writers) {
    const uint16_t slot = keySlot(writer.key);
    if (ownerOf(slot) != from || (!slots.empty() && random_.chance(0.5))) continue;
    words.insert(words.end(), 2, std::to_string(slot));
    slots += " " + std::to_string(slot);
    moved_.insert(slot);
  }
  words.insert(words.end(), {"NODE", ids_[to]});
  world_.trace("scenario", "moves slots" + slots + " from " + nodes_[*from]->name() + " to " + nodes_[to]->name());
  type(*from, std::move(words));
  if (!random_.chance(0.1)) return;
  world_.after(random_.skewed(kMs, 2 * kSecond), [this, number = *from] {
    if (nodes_[number]->ready()) type(number, {"CLUSTER", "CANCELSLOTMIGRATIONS"});
  });
}

bool ClusterRun::migrationsAreOver() {
  return std::ranges::all_of(nodes_, [](const auto& node) {
    return node->node().cluster()->look([](const cluster::Cluster& core, cluster::Moment) {
      return std::ranges::none_of(core.migrations().jobs(), [](const auto& job) { return job.active(); });
    });
  });
}

// What nodes hold of slots that are neither theirs nor their master's, and what they hide; empty if that is nothing.
std::string ClusterRun::strays() {
  std::string found;
  for (const auto& node : nodes_) {
    const keyspace::Keyspace& keyspace = node->node().engine().keyspace();
    for (const uint16_t slot : moved_) {
      const bool serves = look(*node, [slot](const cluster::State& state) {
        const cluster::Node& me = state.myself();
        return state.owner(slot) == &me || (me.master != nullptr && state.owner(slot) == me.master);
      });
      if (!serves && keyspace.keysInSlot(slot) != 0) found += " " + node->name() + " holds keys of slot " + std::to_string(slot) + ";";
      if (keyspace.hiddenSlots().test(slot)) found += " " + node->name() + " hides slot " + std::to_string(slot) + ";";
    }
  }
  return found;
}

void ClusterRun::checkMoves() {
  world_.runFor(5 * kSecond);  // what was typed last has begun
  if (!comesTo([this] { return migrationsAreOver(); }, kEndAtMost)) {
    std::string open;
    for (const auto& node : nodes_) {
      node->node().cluster()->look([&](const cluster::Cluster& core, cluster::Moment) {
        for (const auto& job : core.migrations().jobs()) {
          if (!job.active()) continue;
          open += " " + node->name() + (job.exports ? " sends " : " takes ") + cluster::rangesText(job.slots) + ", " +
                  std::string(cluster::stateName(job)) + ";";
        }
        return true;
      });
    }
    return fail("a migration does not end:" + open + " " + positions());
  }
  // A power cut may take what the log said of their end; a node keeps keys that it finds when it starts, as redis-server
  // does, and whoever looks after the cluster puts them in order.
  if (powerCuts_) return mendSlots();
  if (!comesTo([this] { return oneView() && strays().empty(); }, kEndAtMost)) {
    fail("keys are where nobody looks for them:" + strays() + " " + views());
  }
}

// Nothing fails, but for the migrations that meet a hand-over.
void ClusterRun::moveSlotsInPeace() {
  for (uint64_t round = 0, rounds = 3 + random_.below(5); round < rounds && !outcome_.failure; ++round) {
    world_.runFor(random_.skewed(100 * kMs, 3 * kSecond));
    moveAtomically();
    if (random_.chance(0.4)) {
      world_.runFor(random_.skewed(kMs, 500 * kMs));
      const std::vector<size_t> chosen = replicas();
      if (!chosen.empty()) failoverByHand(chosen[random_.below(chosen.size())], false);
    }
    if (random_.chance(0.5)) continue;  // the next one begins meanwhile
    if (!comesTo([this] { return migrationsAreOver(); }, kEndAtMost)) fail("a migration does not end although nothing is wrong: " + positions());
  }
}

}  // namespace vigil::sim
