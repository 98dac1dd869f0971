#include "engine/acl/check.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "engine/acl/acl_test_table.h"
#include "engine/acl/rules.h"

namespace vigil::engine::acl {
namespace {

User made(std::string_view line) {
  const RuleContext context{.commands = &testTable()};
  User user = newUser("u", context);
  const auto words = *splitArguments(line);
  std::vector<std::string_view> views(words.begin(), words.end());
  const auto rules = joinSelectors(views);
  for (const std::string& rule : *rules) EXPECT_TRUE(applyRule(user, rule, context)) << rule;
  return user;
}

// "ok", "command", "key 2", "channel 1".
std::string asked(const User& user, std::string_view line) {
  const auto words = *splitArguments(line);
  std::vector<std::string_view> args(words.begin(), words.end());
  const command::CommandEntry* entry = testTable().find(args[0]);
  if (args.size() > 1 && entry->subcommand(args[1])) entry = entry->subcommand(args[1]);
  std::vector<command::KeyPosition> scratch;
  const Verdict verdict = check(user, *entry, args, scratch);
  switch (verdict.denial) {
    case Denial::kNone:
      return "ok";
    case Denial::kCommand:
      return "command";
    case Denial::kKey:
      return "key " + std::to_string(verdict.argument);
    case Denial::kChannel:
      return "channel " + std::to_string(verdict.argument);
  }
  return "";
}

TEST(AclCheck, Commands) {
  const User user = made("+get +config|get +select|1 allkeys");
  EXPECT_EQ(asked(user, "get x"), "ok");
  EXPECT_EQ(asked(user, "set x 1"), "command");
  EXPECT_EQ(asked(user, "config get x"), "ok");
  EXPECT_EQ(asked(user, "config set x y"), "command");
  EXPECT_EQ(asked(user, "select 1"), "ok");
  EXPECT_EQ(asked(user, "select 0"), "command");
  EXPECT_EQ(asked(user, "select"), "command");
  EXPECT_EQ(asked(user, "auth x"), "ok") << "whoever may do nothing may authenticate";
}

TEST(AclCheck, KeysByWhatIsDoneWithThem) {
  const User user = made("+@all %R~r* %W~w* ~b*");
  EXPECT_EQ(asked(user, "get r1"), "ok");
  EXPECT_EQ(asked(user, "get w1"), "key 1");
  EXPECT_EQ(asked(user, "set w1 x"), "ok");
  EXPECT_EQ(asked(user, "set r1 x"), "key 1");
  EXPECT_EQ(asked(user, "getset w1 x"), "key 1");
  EXPECT_EQ(asked(user, "getset b1 x"), "ok");
  EXPECT_EQ(asked(user, "copy r1 w1"), "ok");
  EXPECT_EQ(asked(user, "copy w1 r1"), "key 1");
  EXPECT_EQ(asked(user, "copy r1 r2"), "key 2");
  EXPECT_EQ(asked(user, "exists r w b"), "ok") << "whether a key exists needs neither";
  EXPECT_EQ(asked(user, "exists r w x"), "key 3");
}

TEST(AclCheck, Channels) {
  const User user = made("+@all &news.* &a");
  EXPECT_EQ(asked(user, "publish a x"), "ok");
  EXPECT_EQ(asked(user, "publish news.1 x"), "ok");
  EXPECT_EQ(asked(user, "publish b a"), "channel 1");
  EXPECT_EQ(asked(user, "subscribe a b"), "channel 2");
  EXPECT_EQ(asked(user, "psubscribe news.*"), "ok");
  EXPECT_EQ(asked(user, "psubscribe news.1"), "channel 1") << "a pattern must be given as it is";
  EXPECT_EQ(asked(user, "unsubscribe b"), "ok");
  EXPECT_TRUE(allowsChannel(user, "news.x", false));
  EXPECT_FALSE(allowsChannel(user, "news.x", true));
  EXPECT_TRUE(allowsChannel(made("allchannels"), "x", true));
  EXPECT_TRUE(allowsChannel(made("(&x)"), "x", false));
}

TEST(AclCheck, OneSelectorMustAllowAllOfACall) {
  const User user = made("+get ~a (+set ~b) (+@all %R~c ~d)");
  EXPECT_EQ(asked(user, "get a"), "ok");
  EXPECT_EQ(asked(user, "get b"), "key 1");
  EXPECT_EQ(asked(user, "set b x"), "ok");
  EXPECT_EQ(asked(user, "set a x"), "key 1");
  EXPECT_EQ(asked(user, "copy a b"), "key 1");
  EXPECT_EQ(asked(user, "copy c a"), "key 2") << "the selector that came furthest tells";
  EXPECT_EQ(asked(user, "copy c d"), "ok");
}

TEST(AclCheck, AccessToAllKeys) {
  const std::string_view call[] = {"copy", "a", "b"};
  auto may = [&](std::string_view rules) {
    std::vector<command::KeyPosition> scratch;
    return allowsOnAllKeys(made(rules), *testTable().find("copy"), call, command::kKeyAccess, scratch);
  };
  EXPECT_TRUE(may("+copy allkeys"));
  EXPECT_TRUE(may("+copy %R~* %W~b"));
  EXPECT_FALSE(may("+copy ~a ~b"));
  EXPECT_FALSE(may("+get allkeys (+copy ~a ~b)"));
  EXPECT_FALSE(may("+copy %W~* %R~a"));
}

TEST(AclCheck, WhetherSubscribersKeepWhatTheyHave) {
  EXPECT_TRUE(keepsChannels(made("&a"), made("&a &b")));
  EXPECT_FALSE(keepsChannels(made("&a &b"), made("&a")));
  EXPECT_FALSE(keepsChannels(made("allchannels"), made("&*x")));
  EXPECT_TRUE(keepsChannels(made("&a"), made("(allchannels)")));
  EXPECT_TRUE(keepsChannels(made("(&a)"), made("&a")));
}

}  // namespace
}  // namespace vigil::engine::acl
