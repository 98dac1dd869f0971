#include "engine/acl/check.h"

#include <algorithm>

#include "base/text.h"
#include "command/command_table.h"

namespace vigil::engine::acl {

namespace {

using command::Args;
using command::CommandEntry;
using command::KeyPosition;

bool allowsCommand(const Selector& selector, const CommandEntry& entry, Args args) {
  if (selector.allCommands || (entry.spec->flags & command::kNoAuth) != 0) return true;
  if (selector.commands.contains(entry.index)) return true;
  const size_t first = entry.parent ? 2 : 1;
  if (args.size() <= first) return false;
  return std::ranges::any_of(selector.firstArguments, [&](const auto& allowed) {
    return allowed.command == entry.index && equalsIgnoreCase(allowed.word, args[first]);
  });
}

uint8_t accessOf(uint32_t keyFlags) {
  uint8_t access = 0;
  if ((keyFlags & command::kKeyAccess) != 0) access |= kReadAccess;
  if ((keyFlags & (command::kKeyInsert | command::kKeyDelete | command::kKeyUpdate)) != 0) access |= kWriteAccess;
  return access;
}

// A key of which only its existence or type is asked needs no access of either kind, but a pattern that matches it.
bool allowsKey(const Selector& selector, std::string_view key, uint32_t keyFlags) {
  const uint8_t needed = accessOf(keyFlags);
  return std::ranges::any_of(selector.keys, [&](const KeyPattern& pattern) {
    return (pattern.access & needed) == needed && stringMatch(pattern.pattern, key);
  });
}

bool selectorAllowsChannel(const Selector& selector, std::string_view channel, bool isPattern) {
  if (selector.allChannels) return true;
  return std::ranges::any_of(selector.channels, [&](const std::string& allowed) {
    return isPattern ? allowed == channel : stringMatch(allowed, channel);
  });
}

struct Channels {
  size_t first = 0;
  size_t end = 0;
  bool patterns = false;
};

// The arguments that are channels. Leaving a channel needs no right.
Channels channelsOf(const CommandEntry& entry, Args args) {
  if ((entry.spec->flags & command::kPubsub) == 0) return {};
  const std::string_view name = entry.spec->name;
  if (entry.parent) return {};
  if (name == "publish" || name == "spublish") return {1, std::min<size_t>(2, args.size()), false};
  if (name == "subscribe" || name == "ssubscribe") return {1, args.size(), false};
  if (name == "psubscribe") return {1, args.size(), true};
  return {};
}

// A call, and what of it is looked for once for all selectors.
class Call {
 public:
  Call(const CommandEntry& entry, Args args, std::vector<KeyPosition>& scratch)
      : entry_(entry), args_(args), keys_(scratch), channels_(channelsOf(entry, args)) {}

  Verdict checkAgainst(const Selector& selector) {
    if (!allowsCommand(selector, entry_, args_)) return {Denial::kCommand, 0};
    if (!selector.allKeys) {
      for (const KeyPosition& position : keys()) {
        const auto argument = static_cast<size_t>(position.argument);
        if (!allowsKey(selector, args_[argument], position.flags)) return {Denial::kKey, argument};
      }
    }
    for (size_t i = channels_.first; i < channels_.end; ++i) {
      if (!selectorAllowsChannel(selector, args_[i], channels_.patterns)) return {Denial::kChannel, i};
    }
    return {};
  }

 private:
  const std::vector<KeyPosition>& keys() {
    if (!keysFound_) command::findKeys(*entry_.spec, args_, keys_);  // of arguments that make no sense: none
    keysFound_ = true;
    return keys_;
  }

  const CommandEntry& entry_;
  const Args args_;
  std::vector<KeyPosition>& keys_;
  bool keysFound_ = false;
  const Channels channels_;
};

}  // namespace

Verdict check(const User& user, const CommandEntry& entry, Args args, std::vector<KeyPosition>& scratch) {
  Call call(entry, args, scratch);
  Verdict closest{Denial::kCommand, 0};
  for (const Selector& selector : user.selectors) {
    const Verdict verdict = call.checkAgainst(selector);
    if (verdict.denial == Denial::kNone) return verdict;
    if (verdict.denial > closest.denial ||
        (verdict.denial == closest.denial && verdict.argument > closest.argument)) {
      closest = verdict;
    }
  }
  return closest;
}

bool allowsOnAllKeys(const User& user, const CommandEntry& entry, Args args, uint32_t keyFlags,
                     std::vector<KeyPosition>& scratch) {
  Call call(entry, args, scratch);
  const uint8_t needed = accessOf(keyFlags);
  return std::ranges::any_of(user.selectors, [&](const Selector& selector) {
    if (call.checkAgainst(selector).denial != Denial::kNone) return false;
    return selector.allKeys || std::ranges::any_of(selector.keys, [&](const KeyPattern& key) {
             return key.pattern == "*" && (key.access & needed) == needed;
           });
  });
}

bool allowsChannel(const User& user, std::string_view channel, bool isPattern) {
  return std::ranges::any_of(
      user.selectors, [&](const Selector& selector) { return selectorAllowsChannel(selector, channel, isPattern); });
}

bool keepsChannels(const User& before, const User& after) {
  auto hasAll = [](const User& user) {
    return std::ranges::any_of(user.selectors, [](const Selector& selector) { return selector.allChannels; });
  };
  if (hasAll(after)) return true;
  if (hasAll(before)) return false;
  // What matched a pattern of the user before matches it still, if the user has that pattern.
  for (const Selector& selector : before.selectors) {
    for (const std::string& pattern : selector.channels) {
      const bool kept = std::ranges::any_of(after.selectors, [&](const Selector& other) {
        return std::ranges::find(other.channels, pattern) != other.channels.end();
      });
      if (!kept) return false;
    }
  }
  return true;
}

}  // namespace vigil::engine::acl
