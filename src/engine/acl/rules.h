// The language of ACL rules: what ACL SETUSER, `user` lines and ACL files are made of. Pure, thread safe.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/acl/user.h"

namespace vigil::command {
class CommandTable;
struct CommandEntry;
}  // namespace vigil::command

namespace vigil::engine::acl {

enum class RuleError : uint8_t {
  kSyntax,
  kUnknownCommand,
  kKeysAfterAll,
  kChannelsAfterAll,
  kNoSuchPassword,
  kBadHash,
  kFirstArgumentOfSubcommand,
  kDuplicateUser,
};
std::string_view textOf(RuleError error);
using RuleResult = std::expected<void, RuleError>;

struct RuleContext {
  // nullptr: commands are not known yet, so that any name is taken for one, or a category. For a first look at
  // `user` lines.
  const command::CommandTable* commands = nullptr;
  bool channelsByDefault = false;                     // acl-pubsub-default allchannels
  std::vector<std::string>* deprecations = nullptr;  // rules of the form +select|0, which Redis logs
};

// A user without any right: off, no password, no command.
User newUser(std::string_view name, const RuleContext& context);
// What `default` is if nothing else is said: on, without password, with all rights.
User newDefaultUser(const RuleContext& context);

// One rule: "on", ">password", "+get", "~x*", "(…)". If it fails the user may have changed in part: work on a copy.
RuleResult applyRule(User& user, std::string_view rule, const RuleContext& context);

// Puts together selectors that the words of a command line or file divide: "(+get", "~x)" become "(+get ~x)". The
// error is the place of a word whose parenthesis stays open.
std::expected<std::vector<std::string>, size_t> joinSelectors(std::span<const std::string_view> words);

// Neither spaces nor null characters.
bool isValidUserName(std::string_view name);

// By the names that commands were registered under, whatever rename-command made of them: "get", "config|set".
const command::CommandEntry* findCommand(const command::CommandTable& commands, std::string_view name);

}  // namespace vigil::engine::acl
