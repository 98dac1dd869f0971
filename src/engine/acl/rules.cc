#include "engine/acl/rules.h"

#include <algorithm>

#include "base/sha256.h"
#include "base/text.h"
#include "command/command_docs.h"
#include "command/command_table.h"

namespace vigil::engine::acl {

namespace {

using command::CommandEntry;
using command::CommandTable;

std::unexpected<RuleError> failed(RuleError error) { return std::unexpected(error); }

bool hasSpaces(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; });
}

// --- Commands ---

void allowCommand(Selector& selector, const CommandEntry& entry, bool allow) {
  selector.commands.set(entry.index, allow);
  if (!allow) selector.allCommands = false;
  std::erase_if(selector.firstArguments, [&](const auto& known) { return known.command == entry.index; });
  for (const auto& subcommand : entry.subcommands) allowCommand(selector, *subcommand, allow);
}

// A container in the category brings all its subcommands with it.
void allowCategory(Selector& selector, const CommandEntry& entry, uint32_t category, bool allow) {
  if ((command::categoriesOf(*entry.spec) & category) != 0) allowCommand(selector, entry, allow);
  for (const auto& subcommand : entry.subcommands) allowCategory(selector, *subcommand, category, allow);
}

uint32_t categoryOf(std::string_view name) {
  for (const auto& category : command::categoryNames()) {
    if (equalsIgnoreCase(category.name, name)) return static_cast<uint32_t>(category.flag);
  }
  return 0;
}

// Rules that the new one overrides go: one of the same name, and for a container those of its subcommands.
void noteRule(Selector& selector, std::string_view name, bool allow) {
  const std::string lower = toLower(name);
  std::string kept;
  std::string_view rest = selector.commandRules;
  while (!rest.empty()) {
    const std::string_view rule = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), rule.size() + 1));
    const std::string_view known = rule.substr(1);
    const bool overridden = known.starts_with(lower) && (known.size() == lower.size() || known[lower.size()] == '|');
    if (!overridden) kept.append(kept.empty() ? "" : " ").append(rule);
  }
  kept.append(kept.empty() ? "" : " ").append(allow ? "+" : "-").append(lower);
  selector.commandRules = std::move(kept);
}

void startCommands(Selector& selector, bool all, const RuleContext& context) {
  selector.allCommands = all;
  selector.startsWithAll = all;
  selector.firstArguments.clear();
  selector.commandRules.clear();
  selector.commands.clear();
  if (all && context.commands) selector.commands.fill(context.commands->indexCount());
}

RuleResult addFirstArgument(Selector& selector, const CommandEntry& entry, std::string_view name,
                            std::string_view word, const RuleContext& context) {
  Selector::FirstArgument added{entry.index, std::string(word)};
  const bool known = std::ranges::any_of(selector.firstArguments, [&](const auto& other) {
    return other.command == added.command && equalsIgnoreCase(other.word, added.word);
  });
  if (!known) selector.firstArguments.push_back(std::move(added));
  if (context.deprecations) context.deprecations->emplace_back(name);
  noteRule(selector, name, true);
  return {};
}

// "+name": a command, "container|subcommand", or the deprecated "command|firstargument".
RuleResult addCommand(Selector& selector, std::string_view name, const RuleContext& context) {
  const size_t bar = name.rfind('|');
  const CommandEntry* entry = findCommand(*context.commands, name.substr(0, bar));
  if (!entry) return failed(RuleError::kUnknownCommand);
  if (bar != std::string_view::npos) {
    if (entry->parent) return failed(RuleError::kFirstArgumentOfSubcommand);
    const std::string_view word = name.substr(bar + 1);
    if (word.empty()) return failed(RuleError::kSyntax);
    if (entry->subcommands.empty()) return addFirstArgument(selector, *entry, name, word, context);
    entry = entry->subcommand(word);
    if (!entry) return failed(RuleError::kUnknownCommand);
  }
  allowCommand(selector, *entry, true);
  noteRule(selector, name, true);
  return {};
}

RuleResult removeCommand(Selector& selector, std::string_view name, const RuleContext& context) {
  const CommandEntry* entry = findCommand(*context.commands, name);
  if (!entry) return failed(RuleError::kUnknownCommand);
  allowCommand(selector, *entry, false);
  noteRule(selector, name, false);
  return {};
}

RuleResult changeCategory(Selector& selector, std::string_view name, bool allow, const RuleContext& context) {
  const uint32_t category = categoryOf(name.substr(1));
  if (category == 0) return failed(RuleError::kUnknownCommand);
  for (const auto& entry : context.commands->entries()) allowCategory(selector, *entry, category, allow);
  noteRule(selector, name, allow);
  return {};
}

// --- Keys and channels ---

RuleResult addKeys(Selector& selector, std::string_view rule) {
  if (selector.allKeys) return failed(RuleError::kKeysAfterAll);
  uint8_t access = 0;
  size_t at = 1;
  if (rule[0] == '~') {
    access = kFullAccess;
  } else {
    for (; at < rule.size(); ++at) {
      const char c = toLowerAscii(rule[at]);
      if (c == 'r' && (access & kReadAccess) == 0) {
        access |= kReadAccess;
      } else if (c == 'w' && (access & kWriteAccess) == 0) {
        access |= kWriteAccess;
      } else if (c == '~' && access != 0) {
        ++at;
        break;
      } else {
        return failed(RuleError::kSyntax);
      }
    }
    if (access == 0) return failed(RuleError::kSyntax);
  }
  const std::string_view pattern = rule.substr(at);
  if (hasSpaces(pattern)) return failed(RuleError::kSyntax);
  auto known = std::ranges::find(selector.keys, pattern, &KeyPattern::pattern);
  if (known == selector.keys.end()) {
    selector.keys.push_back({access, std::string(pattern)});
  } else {
    known->access |= access;
  }
  return {};
}

RuleResult addChannels(Selector& selector, std::string_view pattern) {
  if (selector.allChannels) return failed(RuleError::kChannelsAfterAll);
  if (hasSpaces(pattern)) return failed(RuleError::kSyntax);
  if (std::ranges::find(selector.channels, pattern) == selector.channels.end()) {
    selector.channels.emplace_back(pattern);
  }
  return {};
}

void resetChannels(Selector& selector, bool all) {
  selector.allChannels = all;
  selector.channels.clear();
}

void resetKeys(Selector& selector, bool all) {
  selector.allKeys = all;
  selector.keys.clear();
}

Selector newSelector(const RuleContext& context) {
  Selector selector;
  selector.allChannels = context.channelsByDefault;
  return selector;
}

RuleResult applyToSelector(Selector& selector, std::string_view rule, const RuleContext& context) {
  auto is = [rule](std::string_view word) { return equalsIgnoreCase(rule, word); };
  if (is("allkeys") || is("~*")) {
    resetKeys(selector, true);
  } else if (is("resetkeys")) {
    resetKeys(selector, false);
  } else if (is("allchannels") || is("&*")) {
    resetChannels(selector, true);
  } else if (is("resetchannels")) {
    resetChannels(selector, false);
  } else if (is("allcommands") || is("+@all")) {
    startCommands(selector, true, context);
  } else if (is("nocommands") || is("-@all")) {
    startCommands(selector, false, context);
  } else if (rule[0] == '~' || rule[0] == '%') {
    return addKeys(selector, rule);
  } else if (rule[0] == '&') {
    return addChannels(selector, rule.substr(1));
  } else if (rule[0] != '+' && rule[0] != '-') {
    return failed(RuleError::kSyntax);
  } else if (!context.commands) {
    return {};
  } else if (rule.size() > 1 && rule[1] == '@') {
    return changeCategory(selector, rule.substr(1), rule[0] == '+', context);
  } else {
    return rule[0] == '+' ? addCommand(selector, rule.substr(1), context)
                          : removeCommand(selector, rule.substr(1), context);
  }
  return {};
}

RuleResult addSelector(User& user, std::string_view rules, const RuleContext& context) {
  auto words = splitArguments(rules);
  if (!words) return failed(RuleError::kSyntax);
  Selector selector = newSelector(context);
  for (const std::string& word : *words) {
    if (word.empty()) continue;
    if (auto applied = applyToSelector(selector, word, context); !applied) return applied;
  }
  user.selectors.push_back(std::move(selector));
  return {};
}

// --- Passwords ---

bool isHash(std::string_view text) {
  return text.size() == kSha256Digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

RuleResult changePassword(User& user, char how, std::string_view text) {
  const bool plain = how == '>' || how == '<';
  if (!plain && !isHash(text)) return failed(RuleError::kBadHash);
  std::string hash = plain ? sha256Hex(text) : std::string(text);
  auto known = std::ranges::find(user.passwords, hash);
  if (how == '<' || how == '!') {
    if (known == user.passwords.end()) return failed(RuleError::kNoSuchPassword);
    user.passwords.erase(known);
    return {};
  }
  if (known == user.passwords.end()) user.passwords.push_back(std::move(hash));
  user.noPassword = false;
  return {};
}

void reset(User& user, const RuleContext& context) {
  user.passwords.clear();
  user.noPassword = false;
  user.enabled = false;
  user.payload = User::Payload::kSanitize;
  user.selectors.assign(1, newSelector(context));
}

bool applyFlag(User& user, std::string_view rule, const RuleContext& context) {
  auto is = [rule](std::string_view word) { return equalsIgnoreCase(rule, word); };
  if (is("on")) {
    user.enabled = true;
  } else if (is("off")) {
    user.enabled = false;
  } else if (is("nopass")) {
    user.noPassword = true;
    user.passwords.clear();
  } else if (is("resetpass")) {
    user.noPassword = false;
    user.passwords.clear();
  } else if (is("skip-sanitize-payload")) {
    user.payload = User::Payload::kSkip;
  } else if (is("sanitize-payload")) {
    user.payload = User::Payload::kSanitize;
  } else if (is("clearselectors")) {
    user.selectors.resize(1);
  } else if (is("reset")) {
    reset(user, context);
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::string_view textOf(RuleError error) {
  switch (error) {
    case RuleError::kSyntax:
      return "Syntax error";
    case RuleError::kUnknownCommand:
      return "Unknown command or category name in ACL";
    case RuleError::kKeysAfterAll:
      return "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. "
             "Try 'resetkeys' to start with an empty list of patterns";
    case RuleError::kChannelsAfterAll:
      return "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any "
             "effect. Try 'resetchannels' to start with an empty list of channels";
    case RuleError::kNoSuchPassword:
      return "The password you are trying to remove from the user does not exist";
    case RuleError::kBadHash:
      return "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
    case RuleError::kFirstArgumentOfSubcommand:
      return "Allowing first-arg of a subcommand is not supported";
    case RuleError::kDuplicateUser:
      return "Duplicate user found. A user can only be defined once in config files";
  }
  return "Wrong format";
}

User newUser(std::string_view name, const RuleContext& context) {
  User user;
  user.name = name;
  user.selectors.assign(1, newSelector(context));
  return user;
}

User newDefaultUser(const RuleContext& context) {
  User user = newUser("default", context);
  user.enabled = true;
  user.noPassword = true;
  startCommands(user.root(), true, context);
  resetKeys(user.root(), true);
  resetChannels(user.root(), true);
  return user;
}

RuleResult applyRule(User& user, std::string_view rule, const RuleContext& context) {
  if (rule.empty() || applyFlag(user, rule, context)) return {};
  switch (rule[0]) {
    case '>':
    case '<':
    case '#':
    case '!':
      return changePassword(user, rule[0], rule.substr(1));
    case '(':
      if (rule.size() < 2 || rule.back() != ')') return failed(RuleError::kSyntax);
      return addSelector(user, rule.substr(1, rule.size() - 2), context);
    default:
      return applyToSelector(user.root(), rule, context);
  }
}

std::expected<std::vector<std::string>, size_t> joinSelectors(std::span<const std::string_view> words) {
  std::vector<std::string> joined;
  size_t open = SIZE_MAX;  // where the selector that is not closed yet began
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (open != SIZE_MAX) {
      joined.back().append(" ").append(word);
      if (word.ends_with(')')) open = SIZE_MAX;
      continue;
    }
    joined.emplace_back(word);
    if (word.starts_with('(') && !word.ends_with(')')) open = i;
  }
  if (open != SIZE_MAX) return std::unexpected(open);
  return joined;
}

bool isValidUserName(std::string_view name) { return !hasSpaces(name); }

const CommandEntry* findCommand(const CommandTable& commands, std::string_view name) {
  const size_t bar = name.find('|');
  const std::string_view first = name.substr(0, bar);
  for (const auto& entry : commands.entries()) {
    if (!equalsIgnoreCase(entry->fullName, first)) continue;
    return bar == std::string_view::npos ? entry.get() : entry->subcommand(name.substr(bar + 1));
  }
  return nullptr;
}

}  // namespace vigil::engine::acl
