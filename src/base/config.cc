#include "base/config.h"

#include <algorithm>
#include <cassert>
#include <set>

#include "base/log_line.h"
#include "base/text.h"

namespace vigil {

namespace {

constexpr const char* kBadDirective = "Bad directive or wrong number of arguments";

// A name with a dot is the option of a module, and no module is ever loaded.
const char* unknownDirective(const std::string& name, std::span<const std::string> words) {
  if (name.find('.') == std::string::npos) return kBadDirective;
  return words.empty() ? "Module config specified without value"
                       : "Module Configuration detected without loadmodule directive or no ApplyConfig call: aborting";
}

// As CONFIG SET cuts the value of an option of several words: at each single space.
std::vector<std::string> splitAtSpaces(std::string_view text) {
  std::vector<std::string> words;
  if (text.empty()) return words;
  for (;;) {
    size_t end = text.find(' ');
    words.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return words;
    text.remove_prefix(end + 1);
  }
}

Result<bool> setFromText(OptionType& type, const std::string& text) {
  std::vector<std::string> words = type.takesSeveralWords() ? splitAtSpaces(text) : std::vector<std::string>{text};
  return type.set(words, ConfigPhase::kRunning);
}

std::unexpected<Error> setFailed(const std::string& name, const std::string& problem) {
  return fail("ERR CONFIG SET failed (possibly related to argument '" + name + "')" +
              (problem.empty() ? "" : " - " + problem));
}

}  // namespace

void ConfigRegistry::add(OptionRow row, OptionTypePtr type) {
  assert(!contains(row.name) && (row.alias.empty() || !contains(row.alias)));
  std::string current = type->get();
  options_.push_back(std::make_unique<Option>(std::move(row), std::move(type), std::move(current)));
  Option* option = options_.back().get();
  byName_[option->row.name] = option;
  if (!option->row.alias.empty()) byName_[option->row.alias] = option;
}

void ConfigRegistry::addDirective(ConfigDirective directive) {
  assert(!containsDirective(directive.name));
  std::string name = directive.name;
  directives_[name] = std::move(directive);
}

const ConfigRegistry::Option* ConfigRegistry::find(std::string_view name) const {
  auto found = byName_.find(toLower(name));
  return found != byName_.end() ? found->second : nullptr;
}

bool ConfigRegistry::isSensitive(std::string_view name) const {
  const Option* option = find(name);
  return option != nullptr && option->row.sensitive;
}

Status ConfigRegistry::loadDirective(const std::string& name, std::span<const std::string> words, ConfigPhase phase) {
  auto found = byName_.find(name);
  if (found == byName_.end()) {
    auto directive = directives_.find(name);
    if (directive == directives_.end()) return fail(unknownDirective(name, words));
    const ConfigDirective& row = directive->second;
    if (words.size() < row.minWords || words.size() > row.maxWords) return fail(kBadDirective);
    return row.load ? row.load(words) : Status();
  }
  OptionType& type = *found->second->type;
  std::vector<std::string> apart;
  if (type.takesSeveralWords()) {
    // One quoted argument may hold all the words: --replicaof "127.0.0.1 6379".
    if (words.size() == 1 && !words[0].empty()) {
      auto split = splitArguments(words[0]);
      if (split) apart = std::move(*split);
      if (split) words = apart;
    }
  } else if (words.size() != 1) {
    return fail("wrong number of arguments");
  }
  auto stored = type.set(words, phase);
  return stored ? Status() : std::unexpected(std::move(stored.error()));
}

std::vector<ConfigRegistry::Pair> ConfigRegistry::get(std::span<const std::string> patterns) const {
  std::vector<Pair> pairs;
  std::set<std::string, std::less<>> shown;  // in lower case
  for (const std::string& pattern : patterns) {
    if (pattern.find_first_of("[*?") == std::string::npos) {
      const Option* option = find(pattern);
      if (option != nullptr && shown.insert(toLower(pattern)).second) pairs.emplace_back(pattern, option->type->get());
      continue;
    }
    for (const auto& [name, option] : byName_) {
      if (option->row.hidden || !stringMatch(pattern, name, true)) continue;
      if (shown.insert(name).second) pairs.emplace_back(name, option->type->get());
    }
  }
  return pairs;
}

Result<std::vector<ConfigRegistry::Option*>> ConfigRegistry::resolve(std::span<const Pair> pairs,
                                                                     const ConfigSetContext& context) const {
  std::vector<Option*> wanted;
  for (const auto& [name, value] : pairs) {
    auto found = byName_.find(toLower(name));
    if (found == byName_.end()) {
      return fail("ERR Unknown option or number of arguments for CONFIG SET - '" + name + "'");
    }
    const OptionRow& row = found->second->row;
    if (row.immutable) return setFailed(name, "can't set immutable config");
    if (row.isProtected && !context.mayChangeProtected) return setFailed(name, "can't set protected config");
    if (context.loading && row.deniedWhileLoading) return fail("LOADING Redis is loading the dataset in memory");
    if (std::ranges::find(wanted, found->second) != wanted.end()) return setFailed(name, "duplicate parameter");
    wanted.push_back(found->second);
  }
  return wanted;
}

Status ConfigRegistry::set(std::span<const Pair> pairs, const ConfigSetContext& context) {
  auto wanted = resolve(pairs, context);
  if (!wanted) return std::unexpected(std::move(wanted.error()));
  std::vector<Change> backup;
  std::vector<Option*> changed;
  for (size_t i = 0; i < wanted->size(); ++i) {
    Option* option = (*wanted)[i];
    backup.emplace_back(option, option->type->get());
    auto stored = setFromText(*option->type, pairs[i].second);
    if (!stored) {
      restore(backup, false);
      return setFailed(toLower(pairs[i].first), stored.error().message);
    }
    if ((*stored || option->row.appliedWhenEqual) && option->row.apply) changed.push_back(option);
  }
  if (auto applied = applyAll(changed, backup, context.logger); !applied) return applied;
  for (const Option* option : changed) {
    if (context.settling != nullptr && option->row.settle) context.settling->push_back(option->row.settle);
  }
  return {};
}

Status ConfigRegistry::applyAll(std::span<Option* const> changed, std::span<const Change> backup,
                                Logger* logger) const {
  for (Option* option : changed) {
    auto applied = option->row.apply();
    if (applied) continue;
    if (logger != nullptr) {
      logger->warning("Failed applying new configuration. Possibly related to new " + option->row.name +
                      " setting. Restoring previous settings.");
    }
    restore(backup, true, logger);
    return setFailed(option->row.name, applied.error().message);
  }
  return {};
}

void ConfigRegistry::restore(std::span<const Change> changes, bool apply, Logger* logger) const {
  std::vector<Option*> restored;
  for (const auto& [option, oldText] : changes) {
    auto stored = setFromText(*option->type, oldText);
    if (stored && *stored && option->row.apply) restored.push_back(option);
  }
  if (!apply) return;
  for (Option* option : restored) {
    auto applied = option->row.apply();
    if (applied || logger == nullptr) continue;
    logger->warning("Failed applying restored failed CONFIG SET command: " + applied.error().message);
  }
}

std::string ConfigRegistry::rewrite(std::string_view oldText, bool all) const {
  std::vector<RewriteOption> now;
  for (const auto& option : options_) {
    now.push_back({option->row.name, option->type->lines(option->row.name)});
    for (RewriteLine& line : now.back().lines) line.force = line.force || all;
  }
  for (const auto& [name, directive] : directives_) {
    if (directive.rewrite) std::ranges::move(directive.rewrite(), std::back_inserter(now));
  }
  auto canonical = [this](const std::string& name) -> std::optional<std::string> {
    if (const Option* option = find(name)) return option->row.name;
    auto directive = directives_.find(name);
    bool isKept = name == "include" || (directive != directives_.end() && !directive->second.obsolete);
    return isKept ? std::optional(name) : std::nullopt;
  };
  return rewriteConfig(oldText, canonical, now);
}

std::vector<std::string> ConfigRegistry::ineffective() const {
  std::vector<std::string> names;
  for (const auto& option : options_) {
    if (option->row.standing != OptionStanding::kHonoured && option->type->get() != option->defaultText) {
      names.push_back(option->row.name);
    }
  }
  return names;
}

}  // namespace vigil
