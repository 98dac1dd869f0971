// Feeds any text to the readers of ACL rules: a file of users, ACL SETUSER, the `user` lines of a configuration file.
//
// Beyond not crashing: what describes a user, in each of the three places, makes the same user again; and users with
// the same description are allowed the same calls.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "engine/acl/acl_file.h"
#include "engine/acl/acl_test_table.h"
#include "engine/acl/check.h"
#include "engine/acl/rules.h"

namespace vigil::engine::acl {
namespace {

const RuleContext kContext{.commands = &testTable()};

void require(bool holds) {
  if (!holds) std::abort();
}

// Rules that are refused are passed over, so that one bad rule does not hide the rest.
User made(std::string_view name, std::span<const std::string_view> words) {
  User user = newUser(name, kContext);
  auto rules = joinSelectors(words);
  if (!rules) return user;
  for (const std::string& rule : *rules) {
    User next = user;
    if (applyRule(next, rule, kContext)) user = std::move(next);
  }
  return user;
}

std::string verdicts(const User& user) {
  static const std::vector<std::vector<std::string_view>> kCalls = {
      {"get", "a"},   {"set", "a", "b"},        {"copy", "a", "x"},        {"exists", "a", "b", "x"}, {"select", "0"},
      {"keys", "*"},  {"config", "get", "x"},   {"config", "set", "a", "b"}, {"client", "id"},        {"auth", "x"},
      {"debug", "x"}, {"subscribe", "a", "xx"}, {"psubscribe", "*"},       {"publish", "x", "y"}};
  std::string all;
  std::vector<command::KeyPosition> scratch;
  for (const auto& call : kCalls) {
    const command::CommandEntry* entry = testTable().find(call[0]);
    if (!entry->subcommands.empty()) entry = entry->subcommand(call[1]);
    const Verdict verdict = check(user, *entry, call, scratch);
    require(verdict.argument < call.size());
    if (user.unrestricted()) require(verdict.denial == Denial::kNone);
    (void)allowsOnAllKeys(user, *entry, call, command::kKeyAccess, scratch);
    all += static_cast<char>('0' + static_cast<int>(verdict.denial));
  }
  return all;
}

void requireSame(const User& user, const User& again) {
  require(again.describe() == user.describe());
  require(verdicts(again) == verdicts(user));
  require(keepsChannels(user, again));
}

// The user as the command, the file and the configuration would have it after what they show.
void checkUser(const User& user) {
  const auto rules = user.rules();
  const std::vector<std::string_view> words(rules.begin(), rules.end());
  requireSame(user, made(user.name, words));
  if (!isValidUserName(user.name)) return;
  auto line = splitArguments(configurationLine(user));
  require(line.has_value() && (*line)[1] == user.name);
  const std::vector<std::string_view> lineWords(line->begin() + 2, line->end());
  requireSame(user, made(user.name, lineWords));
  if (user.name.empty()) return;  // a file cannot name that one
  auto users = readUsers(userLine(user), "f", kContext);
  require(users.has_value() && users->size() == 1);
  requireSame(user, users->front());
}

void readText(std::string_view text) {
  if (auto users = readUsers(text, "f", kContext)) {
    for (const User& user : *users) checkUser(user);
  }
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto words = splitArguments(line);
    if (!words || words->empty()) continue;
    const std::vector<std::string_view> rules(words->begin() + 1, words->end());
    checkUser(made(words->front(), rules));
  }
}

}  // namespace
}  // namespace vigil::engine::acl

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vigil::engine::acl::readText({reinterpret_cast<const char*>(data), size});
  return 0;
}
