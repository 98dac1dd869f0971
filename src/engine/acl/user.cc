#include "engine/acl/user.h"

#include "base/sha256.h"

namespace vigil::engine::acl {

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

std::string Selector::describe() const {
  std::string text = describeKeys();
  if (!text.empty()) text += ' ';
  if (!allChannels) text += "resetchannels ";
  if (allChannels || !channels.empty()) text += describeChannels() + " ";
  return text + describeCommands();
}

std::vector<std::string_view> User::flags() const {
  std::vector<std::string_view> flags{enabled ? "on" : "off"};
  if (noPassword) flags.emplace_back("nopass");
  if (payload == Payload::kSkip) flags.emplace_back("skip-sanitize-payload");
  if (payload == Payload::kSanitize) flags.emplace_back("sanitize-payload");
  return flags;
}

std::string User::describe() const {
  std::string text;
  for (std::string_view flag : flags()) text.append(flag) += ' ';
  for (const std::string& password : passwords) text.append("#").append(password) += ' ';
  text += root().describe();
  for (size_t i = 1; i < selectors.size(); ++i) text += " (" + selectors[i].describe() + ")";
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
