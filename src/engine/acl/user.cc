#include "engine/acl/user.h"

#include <algorithm>

#include "base/sha256.h"
#include "base/text.h"

namespace vigil::engine::acl {

namespace {

// Quotes have a meaning inside a selector, and a parenthesis at the end of a word closes it.
std::string quotedIfNeeded(const std::string& rule) {
  const bool needed = rule.find_first_of("\"'") != std::string::npos || rule.ends_with(')');
  return needed ? quoteArgument(rule) : rule;
}

}  // namespace

std::string KeyPattern::describe() const {
  if (access == kFullAccess) return "~" + pattern;
  return (access == kReadAccess ? "%R~" : "%W~") + pattern;
}

void CommandSet::set(size_t index, bool in) {
  if (index / 64 >= words_.size()) {
    if (!in) return;
    words_.resize(index / 64 + 1);
  }
  const uint64_t bit = uint64_t{1} << index % 64;
  if (in) {
    words_[index / 64] |= bit;
  } else {
    words_[index / 64] &= ~bit;
  }
}

void CommandSet::fill(size_t count) {
  words_.assign((count + 63) / 64, ~uint64_t{0});
  if (count % 64 != 0) words_.back() = (uint64_t{1} << count % 64) - 1;
}

std::string Selector::describeCommands() const {
  std::string text = startsWithAll ? "+@all" : "-@all";
  if (!commandRules.empty()) text += " " + commandRules;
  return text;
}

std::string Selector::describeKeys() const {
  if (allKeys) return "~*";
  std::string text;
  for (const KeyPattern& key : keys) text += (text.empty() ? "" : " ") + key.describe();
  return text;
}

std::string Selector::describeChannels() const {
  if (allChannels) return "&*";
  std::string text;
  for (const std::string& channel : channels) text += (text.empty() ? "&" : " &") + channel;
  return text;
}

std::vector<std::string> Selector::rules() const {
  std::vector<std::string> rules;
  if (allKeys) rules.emplace_back("~*");
  for (const KeyPattern& key : keys) rules.push_back(key.describe());
  rules.emplace_back(allChannels ? "&*" : "resetchannels");
  for (const std::string& channel : channels) rules.push_back("&" + channel);
  rules.emplace_back(startsWithAll ? "+@all" : "-@all");
  for (std::string_view rest = commandRules; !rest.empty();) {
    const size_t end = std::min(rest.find(' '), rest.size());
    rules.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return rules;
}

std::vector<std::string_view> User::flags() const {
  std::vector<std::string_view> flags{enabled ? "on" : "off"};
  if (noPassword) flags.emplace_back("nopass");
  if (payload == Payload::kSkip) flags.emplace_back("skip-sanitize-payload");
  if (payload == Payload::kSanitize) flags.emplace_back("sanitize-payload");
  return flags;
}

std::vector<std::string> User::rules() const {
  std::vector<std::string> rules;
  for (std::string_view flag : flags()) rules.emplace_back(flag);
  for (const std::string& password : passwords) rules.push_back("#" + password);
  for (std::string& rule : root().rules()) rules.push_back(std::move(rule));
  for (size_t i = 1; i < selectors.size(); ++i) {
    std::string text;
    for (const std::string& rule : selectors[i].rules()) text += (text.empty() ? "" : " ") + quotedIfNeeded(rule);
    rules.push_back("(" + text + ")");
  }
  return rules;
}

std::string User::describe() const {
  std::string text;
  for (const std::string& rule : rules()) text += (text.empty() ? "" : " ") + rule;
  return text;
}

bool User::accepts(std::string_view password) const {
  if (!enabled) return false;
  if (noPassword) return true;
  const std::string hash = sha256Hex(password);
  bool accepted = false;
  for (const std::string& known : passwords) accepted = equalInConstantTime(hash, known) || accepted;
  return accepted;
}

}  // namespace vigil::engine::acl
