#include "engine/slot_check.h"

#include <algorithm>

namespace vigil::engine {

namespace {

using cluster::Routing;
using command::KeyPosition;

// Arguments that a slot decides on: keys, or the channels of sharded Pub/Sub.
struct SlotArguments {
  struct Name {
    std::string_view name;
    int db = 0;
    bool operator==(const Name&) const = default;
  };
  std::vector<Name> names;
  bool channels = false;
};

void addChannels(const command::KeySpec& spec, command::Args args, SlotArguments& out) {
  out.channels = true;
  const size_t end = spec.last < 0 ? args.size() : static_cast<size_t>(spec.index + spec.last) + 1;
  for (auto i = static_cast<size_t>(spec.index); i < std::min(end, args.size()); ++i) out.names.push_back({args[i]});
}

SlotArguments argumentsOf(const SlotQuestion& question) {
  SlotArguments out;
  std::vector<KeyPosition> positions;
  for (const auto& [entry, args, db] : question.calls) {
    const command::CommandSpec& spec = *entry->spec;
    if (!spec.keys.empty() && (spec.keys.front().flags & command::kKeyNotKey) != 0) {
      addChannels(spec.keys.front(), args, out);
    } else if (command::findKeys(spec, args, positions)) {
      for (const KeyPosition& position : positions) out.names.push_back({args[static_cast<size_t>(position.argument)], db});
    }
  }
  return out;
}

std::string redirection(std::string_view word, uint16_t slot, const Routing& routing, uint16_t target) {
  const Routing::Target& to = routing.targets[target];
  return std::string(word) + " " + std::to_string(slot) + " " + to.endpoint + ":" + std::to_string(to.port);
}

std::string downError(const Routing& routing, const SlotQuestion& question, bool channels) {
  if (channels) return routing.pubsubWhenDown ? "" : "CLUSTERDOWN The cluster is down";
  if (!routing.readsWhenDown) return "CLUSTERDOWN The cluster is down";
  return question.write ? "CLUSTERDOWN The cluster is down and only accepts read commands" : "";
}

// A slot that is on its way to or from another node.
std::optional<SlotVerdict> checkMoving(const Routing& routing, uint16_t slot, const SlotQuestion& question,
                                       const SlotArguments& arguments,
                                       const KeyExists& exists) {
  const bool leaving = routing.owner[slot] == Routing::kMyself && routing.movingTo[slot] != Routing::kNobody;
  const bool coming = !leaving && routing.importing.test(slot);
  const bool welcome = coming && (question.asking || (question.calls.front().entry->spec->flags & command::kAsking) != 0);
  if ((leaving || coming) && question.calls.front().entry->fullName == "migrate") return SlotVerdict{};
  if (arguments.channels && welcome) return SlotVerdict{};
  if (arguments.channels || (!leaving && !welcome)) return std::nullopt;
  if (!exists) return SlotVerdict{.undecided = true};
  size_t present = 0;
  for (const auto& [name, db] : arguments.names) present += exists(db, name) ? 1 : 0;
  const bool missing = present != arguments.names.size();
  constexpr std::string_view kTryAgain = "TRYAGAIN Multiple keys request during rehashing of slot";
  if (leaving && missing) {
    return SlotVerdict{.error = present != 0 ? std::string(kTryAgain)
                                             : redirection("ASK", slot, routing, routing.movingTo[slot])};
  }
  const bool several = std::ranges::any_of(arguments.names, [&](const auto& other) { return other != arguments.names.front(); });
  if (welcome && missing && several) return SlotVerdict{.error = std::string(kTryAgain)};
  if (welcome) return SlotVerdict{};
  return std::nullopt;
}

}  // namespace

std::string slotError(const Routing& routing, uint16_t slot, bool readsReplica) {
  const uint16_t owner = routing.owner[slot];
  if (owner == Routing::kMyself || (readsReplica && owner != Routing::kNobody && owner == routing.master)) return {};
  if (owner == Routing::kNobody) return "CLUSTERDOWN Hash slot not served";
  return redirection("MOVED", slot, routing, owner);
}

bool slotsHeld(const Routing& routing, const SlotQuestion& question) {
  if (!routing.holds) [[likely]] return false;
  const SlotArguments arguments = argumentsOf(question);
  return !arguments.channels && std::ranges::any_of(arguments.names, [&](const auto& argument) {
    const uint16_t slot = keySlot(argument.name);
    return routing.held.test(slot) && routing.owner[slot] == Routing::kMyself;
  });
}

bool staysWithin(const SlotQuestion& question, const std::function<bool(uint16_t)>& inside) {
  const SlotArguments arguments = argumentsOf(question);
  return !arguments.channels && !arguments.names.empty() &&
         std::ranges::all_of(arguments.names, [&](const auto& argument) { return inside(keySlot(argument.name)); });
}

SlotVerdict checkSlots(const Routing& routing, const SlotQuestion& question, const KeyExists& exists) {
  const SlotArguments arguments = argumentsOf(question);
  if (arguments.names.empty()) return {.keyless = true};
  const uint16_t slot = keySlot(arguments.names.front().name);
  if (routing.owner[slot] == Routing::kNobody) return {.error = "CLUSTERDOWN Hash slot not served"};
  for (const auto& [name, db] : arguments.names) {
    if (keySlot(name) != slot) return {.error = "CROSSSLOT Keys in request don't hash to the same slot"};
  }
  if (!routing.up) {
    if (std::string error = downError(routing, question, arguments.channels); !error.empty()) return {.error = error};
  }
  SlotVerdict verdict;
  if (auto moving = checkMoving(routing, slot, question, arguments, exists)) {
    verdict = *std::move(moving);
  } else {
    verdict.error = slotError(routing, slot, arguments.channels || (question.readsReplica && !question.write));
  }
  verdict.slot = slot;
  return verdict;
}

}  // namespace vigil::engine
