#include "sim/cluster_run.h"

#include <algorithm>

#include "sim/questions.h"

namespace vigil::sim {

namespace {

constexpr SimTime kConvergeAtMost = 120 * kSecond;

}  // namespace

void ClusterRun::startAll() {
  for (auto& node : nodes_) {
    for (int attempt = 0; attempt < 2 && !node->ready(); ++attempt) {
      if (node->running()) world_.runUntil([&] { return !node->running() || node->ready(); }, 30 * kSecond);
      if (!node->running()) (void)node->startAndLoad();
    }
    if (!node->ready()) return fail(node->name() + " did not start again: " + node->startError());
  }
}

namespace {

// Empty while something is not as it is to be.
std::string viewOf(const cluster::State& state) {
  if (!state.up) return {};
  std::string text;
  for (const auto& [id, node] : state.nodes()) {
    if (node->failing()) return {};
    text += id + " " + (node->master != nullptr ? node->master->id : node->isReplica() ? "?" : "-") + " ";
    for (const SlotRange& range : node->slots.ranges()) {
      text += std::to_string(range.first) + "-" + std::to_string(range.last) + " ";
    }
    if (node->isMaster()) text += "epoch " + std::to_string(node->configEpoch);
    text += "\n";
  }
  for (size_t slot = 0; slot < kSlotCount; ++slot) {
    if (state.owner(slot) == nullptr) return {};
  }
  return text;
}

}  // namespace

// All are up, and agree on who owns each slot and who follows whom.
bool ClusterRun::oneView() {
  const std::string first = look(*nodes_[0], viewOf);
  return !first.empty() && std::ranges::all_of(nodes_, [&](const auto& node) { return look(*node, viewOf) == first; });
}

std::string ClusterRun::views() {
  std::string text = positions();
  const std::string first = look(*nodes_[0], viewOf);
  for (const auto& node : nodes_) {
    const std::string view = look(*node, viewOf);
    if (view == first) continue;
    const size_t at = static_cast<size_t>(std::ranges::mismatch(view, first).in1 - view.begin());
    const size_t line = at == 0 ? 0 : view.rfind('\n', at - 1) + 1;  // the same place in both up to there
    text += "; " + node->name() + " believes: " + view.substr(line, view.find('\n', at) - line) + ", and " +
            nodes_[0]->name() + ": " + first.substr(line, first.find('\n', at) - line);
  }
  return text;
}

bool ClusterRun::replicasHoldAll() {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    SimNode& node = *nodes_[i];
    const std::string master = look(node, [](const cluster::State& state) {
      return state.myself().master != nullptr ? state.myself().master->id : std::string();
    });
    if (master.empty()) continue;
    const auto at = std::ranges::find(ids_, master);
    if (at == ids_.end()) return false;
    const oplog::Log& mine = node.node().engine().log();
    const oplog::Log& its = nodes_[static_cast<size_t>(at - ids_.begin())]->node().engine().log();
    const auto view = node.node().replication().replica().view();
    if (!view.linkUp) return false;
    if (mine.history().id != its.history().id || mine.end() != its.end()) return false;
  }
  return true;
}

std::string ClusterRun::positions() {
  std::string text;
  for (const auto& node : nodes_) {
    text += (text.empty() ? "" : "; ") + node->name() + " " +
            look(*node,
                 [&](const cluster::State& state) {
                   const cluster::Node& me = state.myself();
                   std::string failing;
                   for (size_t slot = 0; slot < kSlotCount; ++slot) {
                     if (state.owner(slot) == nullptr) failing += " unowned:" + std::to_string(slot);
                     else if (state.owner(slot)->isReplica()) failing += " replica's:" + std::to_string(slot);
                   }
                   for (const auto& [id, other] : state.nodes())
                     failing += other->failing() ? " " + id.substr(0, 4) : "";
                   return me.id.substr(0, 4) + (state.up ? " up " : " down ") +
                          (me.master != nullptr ? "follows " + me.master->id.substr(0, 4)
                                                : "has " + std::to_string(me.slotCount)) +
                          " epoch " + std::to_string(me.configEpoch) + (failing.empty() ? "" : " fails:" + failing);
                 }) +
            " " + node->node().engine().log().history().id.substr(0, 4) + ":" +
            std::to_string(node->node().engine().log().end()) +
            (node->node().replication().replica().view().linkUp ? " linked" : "");
  }
  return text;
}

// Whether all agree costs too much to be asked after every event.
bool ClusterRun::comesTo(const std::function<bool()>& done, SimTime atMost) {
  constexpr SimTime kLookEvery = 20 * kMs;
  SimTime looked = world_.now() - kLookEvery;
  return world_.runUntil(
      [&] {
        if (world_.now() - looked < kLookEvery) return false;
        looked = world_.now();
        return done();
      },
      atMost);
}

void ClusterRun::settle() {
  world_.trace("scenario", "heals");
  network_.heal();
  startAll();
  if (outcome_.failure) return;
  if (!comesTo([this] { return oneView(); }, kConvergeAtMost)) return fail("no common view: " + views());
  moves_ == Moves::kAtomic ? checkMoves() : mendSlots();
  if (outcome_.failure) return;
  const SimTime healed = world_.now();
  if (!world_.runUntil([&] { return writers_->allAnsweredSince(healed); }, kConvergeAtMost)) {
    return fail("not all clients are served again: " + positions());
  }
  writers_->stop();
  if (!world_.runUntil([this] { return writers_->idle(); }, 30 * kSecond)) return fail("a client waits for ever");
  if (!comesTo([this] { return oneView() && replicasHoldAll(); }, kConvergeAtMost)) {
    return fail("not every replica has what its master has: " + positions());
  }
  compareReplicas();
}

// In the eyes of some node that serves.
std::optional<size_t> ClusterRun::ownerOf(uint16_t slot) {
  for (const auto& node : nodes_) {
    if (!node->ready()) continue;
    const std::string id = look(*node, [&](const cluster::State& state) {
      return state.owner(slot) != nullptr ? state.owner(slot)->id : std::string();
    });
    const auto at = std::ranges::find(ids_, id);
    if (at != ids_.end()) return static_cast<size_t>(at - ids_.begin());
  }
  return std::nullopt;
}

std::vector<int64_t> ClusterRun::listOn(SimNode& node, const std::string& key) {
  const auto answers = ask(world_, network_, node.address(), {{"READONLY"}, {"LRANGE", key, "0", "-1"}});
  std::vector<int64_t> numbers;
  if (!answers || !answers->back().starts_with("[")) {
    fail(node.name() + " does not show " + key + ": " + (answers ? answers->back() : "no answer"));
    return numbers;
  }
  // "[$1, $2]"
  const std::string& text = answers->back();
  for (size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + 1)) {
    numbers.push_back(std::stoll(text.substr(at + 1)));
  }
  return numbers;
}

void ClusterRun::compareReplicas() {
  for (const auto& writer : writers_->writers()) {
    const auto owner = ownerOf(keySlot(writer.key));
    if (!owner) return fail("nobody serves " + writer.key);
    for (const std::string& key : writer.keys()) {
      const auto expected = listOn(*nodes_[*owner], key);
      for (const auto& node : nodes_) {
        const bool follows = look(*node, [&](const cluster::State& state) {
          return state.myself().master != nullptr && state.myself().master->id == ids_[*owner];
        });
        if (!follows) continue;
        if (listOn(*node, key) != expected) {
          return fail(node->name() + " and its master " + nodes_[*owner]->name() + " hold different lists " + key);
        }
      }
    }
  }
}

void ClusterRun::checkLists(bool nothingMayBeMissing) {
  if (outcome_.failure) return;
  for (const auto& writer : writers_->writers()) {
    std::vector<int64_t> found;
    for (const std::string& key : writer.keys()) {
      const auto here = listOn(*nodes_[*ownerOf(keySlot(key))], key);
      found.insert(found.end(), here.begin(), here.end());
    }
    if (outcome_.failure) return;
    const std::set<int64_t> once(found.begin(), found.end());
    if (once.size() != found.size()) return fail("a write of " + writer.key + " was carried out twice");
    if (!once.empty() && *once.rbegin() > writer.sent) return fail(writer.key + " holds what nobody wrote");
    if (!nothingMayBeMissing) continue;
    for (int64_t number : writer.acknowledged) {
      if (!once.contains(number))
        return fail("the acknowledged write " + std::to_string(number) + " of " + writer.key + " is lost");
    }
  }
}

}  // namespace vigil::sim
