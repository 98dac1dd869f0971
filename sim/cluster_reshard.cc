// Slots moved from node to node as redis-cli --cluster reshard does it, and put right afterwards as --cluster fix does.
#include "base/crc16.h"
#include "sim/cluster_run.h"
#include "sim/questions.h"

namespace vigil::sim {

namespace {

constexpr SimTime kAnswerAtMost = 5 * kSecond;
constexpr const char* kMigrateTimeoutMs = "1000";
constexpr const char* kKeysAtOnce = "2";

Words setSlot(uint16_t slot, std::string state, std::string id) {
  return {"CLUSTER", "SETSLOT", std::to_string(slot), std::move(state), std::move(id)};
}

Words migrate(const SimNode& to, const std::vector<std::string>& keys, bool replace) {
  Words words = {"MIGRATE", to.host(), std::to_string(SimNode::kPort), "", "0", kMigrateTimeoutMs};
  if (replace) words.push_back("REPLACE");
  words.push_back("KEYS");
  words.insert(words.end(), keys.begin(), keys.end());
  return words;
}

}  // namespace

std::optional<std::string> ClusterRun::tell(size_t number, Words words) {
  if (!nodes_[number]->ready()) return std::nullopt;
  const auto answers = ask(world_, network_, nodes_[number]->address(), {std::move(words)}, false, kAnswerAtMost);
  return answers ? std::optional(answers->front()) : std::nullopt;
}

bool ClusterRun::tellOk(size_t number, Words words) { return tell(number, std::move(words)) == "+OK"; }

std::optional<std::vector<std::string>> ClusterRun::keysOf(size_t number, uint16_t slot) {
  const auto answer = tell(number, {"CLUSTER", "GETKEYSINSLOT", std::to_string(slot), kKeysAtOnce});
  if (!answer || !answer->starts_with("[")) return std::nullopt;
  std::vector<std::string> keys;  // of "[$a, $b]"
  for (size_t at = answer->find('$'); at != std::string::npos; at = answer->find('$', at + 1)) {
    keys.push_back(answer->substr(at + 1, answer->find_first_of(",]", at) - at - 1));
  }
  return keys;
}

// Between two steps of whoever types the commands.
void ClusterRun::breathe(bool amidTrouble) {
  world_.runFor(random_.skewed(kMs, 300 * kMs));
  if (!amidTrouble || !random_.chance(0.2)) return;
  SimNode& node = *nodes_[random_.below(nodes_.size())];
  random_.chance(0.5) ? crash(node) : cutOff(node);
}

bool ClusterRun::moveKeys(size_t from, size_t to, uint16_t slot, bool amidTrouble) {
  for (;;) {
    const auto keys = keysOf(from, slot);
    if (!keys) return false;
    if (keys->empty()) return true;
    const auto moved = tell(from, migrate(*nodes_[to], *keys, true));
    if (moved != "+OK" && moved != "+NOKEY") return false;
    breathe(amidTrouble);
  }
}

// Left as it is where a step fails.
bool ClusterRun::moveSlot(size_t from, size_t to, uint16_t slot, bool amidTrouble) {
  moved_.insert(slot);
  open_.insert(slot);
  if (!tellOk(to, setSlot(slot, "IMPORTING", ids_[from]))) return false;
  breathe(amidTrouble);
  if (!tellOk(from, setSlot(slot, "MIGRATING", ids_[to]))) return false;
  breathe(amidTrouble);
  if (!moveKeys(from, to, slot, amidTrouble)) return false;
  if (!tellOk(to, setSlot(slot, "NODE", ids_[to]))) return false;
  breathe(amidTrouble);
  if (!tellOk(from, setSlot(slot, "NODE", ids_[to]))) return false;
  open_.erase(slot);
  return true;
}

// A slot that somebody writes to goes to another master.
void ClusterRun::reshard(bool amidTrouble) {
  const auto& writers = writers_->writers();
  const uint16_t slot = keySlot(writers[random_.below(writers.size())].key);
  const auto from = ownerOf(slot);
  if (open_.contains(slot) || !from || !nodes_[*from]->ready()) return;
  const std::vector<size_t> others = mastersBut(*from);
  if (others.empty()) return;
  const size_t to = others[random_.below(others.size())];
  world_.trace("scenario", "moves slot " + std::to_string(slot) + " from " + nodes_[*from]->name() + " to " + nodes_[to]->name());
  const bool moved = moveSlot(*from, to, slot, amidTrouble);
  if (amidTrouble || outcome_.failure) return;
  if (!moved) return fail("slot " + std::to_string(slot) + " did not move although nothing was wrong: " + positions());
  if (!comesTo([&] { return oneView() && ownerOf(slot) == to; }, 10 * kSecond)) {
    fail("not all know where slot " + std::to_string(slot) + " is now: " + positions());
  }
}

// What another node has of a slot goes to its owner; but what the owner has too is what clients have seen last.
void ClusterRun::gatherStrays(size_t owner, size_t stray, uint16_t slot) {
  for (;;) {
    const auto keys = keysOf(stray, slot);
    if (!keys) return fail(nodes_[stray]->name() + " does not say what it holds of slot " + std::to_string(slot));
    if (keys->empty()) return;
    if (!tellOk(stray, setSlot(slot, "IMPORTING", ids_[owner]))) return fail("a stray slot cannot be opened");
    for (const std::string& key : *keys) {
      const auto moved = tell(stray, migrate(*nodes_[owner], {key}, false));
      if (moved == "+OK" || moved == "+NOKEY") continue;
      if (!moved || tell(owner, {"EXISTS", key}) != ":1") return fail("a stray key stays: " + moved.value_or("no answer"));
      if (!ask(world_, network_, nodes_[stray]->address(), {{"ASKING"}, {"DEL", key}}, false, kAnswerAtMost)) {
        return fail("a stray key cannot be deleted");
      }
    }
  }
}

// The cluster is whole again, but for slots whose move was given up halfway.
void ClusterRun::mendSlots() {
  for (uint16_t slot : moved_) {  // first nobody is sent elsewhere any more
    const auto owner = ownerOf(slot);
    if (!owner || !tellOk(*owner, {"CLUSTER", "SETSLOT", std::to_string(slot), "STABLE"})) {
      return fail("the owner of slot " + std::to_string(slot) + " does not keep it");
    }
  }
  world_.runFor(2 * kSecond);  // who has been sent elsewhere has got there
  for (uint16_t slot : moved_) {
    const auto owner = ownerOf(slot);
    if (!owner) return fail("nobody owns slot " + std::to_string(slot));
    std::vector<size_t> masters;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (look(*nodes_[i], [](const cluster::State& state) { return state.myself().isMaster(); })) masters.push_back(i);
    }
    for (size_t number : masters) {
      if (number != *owner) gatherStrays(*owner, number, slot);
    }
    for (size_t number : masters) {
      if (outcome_.failure) return;
      if (!tellOk(number, {"CLUSTER", "SETSLOT", std::to_string(slot), "STABLE"})) return fail("a slot does not get stable");
      const auto left = tell(number, {"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot)});
      if (number != *owner && left != ":0") return fail("a key of slot " + std::to_string(slot) + " is in two places");
    }
  }
}

}  // namespace vigil::sim
