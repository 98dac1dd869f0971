#include "engine/acl/acl_options.h"

#include <algorithm>

#include "base/config.h"
#include "engine/acl/rules.h"

namespace vigil::engine::acl {

namespace {

Status failedAt(std::string_view word, std::string_view problem) {
  return fail("Error in user declaration '" + std::string(word) + "': " + std::string(problem));
}

}  // namespace

// Which commands there are is not known yet: what is wrong with a command rule is found when the node starts.
Status AclOptions::loadUser(std::span<const std::string> words) {
  const std::string& name = words.front();
  if (std::ranges::any_of(users, [&](const UserLine& known) { return known.name == name; })) {
    return failedAt(name, textOf(RuleError::kDuplicateUser));
  }
  std::vector<std::string_view> rest(words.begin() + 1, words.end());
  auto rules = joinSelectors(rest);
  if (!rules) return failedAt(rest[rules.error()], "Unmatched parenthesis in selector definition.");
  const RuleContext context{.commands = nullptr, .channelsByDefault = channelsByDefault.load()};
  User user = newUser(name, context);
  for (size_t i = 0; i < rules->size(); ++i) {
    auto applied = applyRule(user, (*rules)[i], context);
    // Redis counts the rules without the two words before them, and names the word of the line at that place.
    if (!applied) return failedAt(i == 0 ? std::string_view("user") : words[i - 1], textOf(applied.error()));
  }
  users.push_back({name, std::move(*rules)});
  return {};
}

void AclOptions::addTo(ConfigRegistry& registry) {
  registry.add({.name = "aclfile", .immutable = true}, stringOption(file, nullptr, EmptyText::kValue));
  registry.add({.name = "acllog-max-len"}, integerOption(longestLog, {0, INT64_MAX}));
  registry.add({.name = "acl-pubsub-default"},
               enumOption({[this] { return channelsByDefault.load() ? 1 : 0; },
                           [this](int all) { channelsByDefault.store(all != 0); }},
                          {{"allchannels", 1}, {"resetchannels", 0}}));
  registry.add({.name = "requirepass",
                .sensitive = true,
                .apply =
                    [this] {
                      if (passwordChanged) passwordChanged();
                      return Status();
                    }},
               stringOption(password));
  registry.addDirective({.name = "user",
                         .minWords = 1,
                         .load = [this](std::span<const std::string> words) { return loadUser(words); },
                         .rewrite =
                             [this] {
                               // Users that a file of their own holds are not written twice.
                               RewriteOption lines{"user", {}};
                               if (describeUsers && file.load().empty()) {
                                 for (std::string& line : describeUsers()) lines.lines.push_back({std::move(line)});
                               }
                               return std::vector<RewriteOption>{std::move(lines)};
                             }});
}

}  // namespace vigil::engine::acl
