#include "engine/acl/rules.h"

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "base/text.h"
#include "engine/acl/acl_test_table.h"

namespace vigil::engine::acl {
namespace {

const RuleContext kContext{.commands = &testTable()};

// Rules, divided by spaces, onto a new user or one that is there; "" or the error's text.
std::string change(User& user, std::string_view line) {
  auto words = splitArguments(line);
  std::vector<std::string_view> views(words->begin(), words->end());
  auto joined = joinSelectors(views);
  if (!joined) return "unmatched at " + std::to_string(joined.error());
  for (const std::string& rule : *joined) {
    auto applied = applyRule(user, rule, kContext);
    if (!applied) return std::string(textOf(applied.error()));
  }
  return "";
}

User made(std::string_view line) {
  User user = newUser("u", kContext);
  EXPECT_EQ(change(user, line), "") << line;
  return user;
}

std::string described(std::string_view line) { return made(line).describe(); }
std::string commandsOf(std::string_view line) { return made(line).root().describeCommands(); }
std::string errorOf(std::string_view line) {
  User user = newUser("u", kContext);
  return change(user, line);
}

bool allows(const User& user, std::string_view command) {
  return user.root().commands.contains(findCommand(testTable(), command)->index);
}

TEST(AclRules, ANewUserHasNoRights) {
  EXPECT_EQ(described(""), "off resetchannels -@all");
  EXPECT_EQ(newDefaultUser(kContext).describe(), "on nopass ~* &* +@all");
  RuleContext open = kContext;
  open.channelsByDefault = true;
  EXPECT_EQ(newUser("u", open).describe(), "off &* -@all");
}

TEST(AclRules, Passwords) {
  User user = made("on >a >b >a #" + sha256Hex("a"));
  EXPECT_EQ(user.describe(), "on #" + sha256Hex("a") + " #" + sha256Hex("b") + " resetchannels -@all");
  EXPECT_TRUE(user.accepts("a"));
  EXPECT_TRUE(user.accepts("b"));
  EXPECT_FALSE(user.accepts("c"));
  EXPECT_EQ(change(user, "<a"), "");
  EXPECT_FALSE(user.accepts("a"));
  EXPECT_EQ(change(user, "<a"), "The password you are trying to remove from the user does not exist");
  EXPECT_EQ(change(user, "!" + sha256Hex("b")), "");
  EXPECT_FALSE(user.accepts(""));
  EXPECT_EQ(change(user, "nopass"), "");
  EXPECT_TRUE(user.accepts("whatever"));
  EXPECT_EQ(change(user, ">x"), "");
  EXPECT_FALSE(user.accepts("whatever"));
  EXPECT_EQ(change(user, "resetpass off"), "");
  EXPECT_EQ(user.describe(), "off resetchannels -@all");
  EXPECT_FALSE(made("off nopass").accepts(""));
  for (const char* bad : {"#abc", "!abc"}) {
    EXPECT_EQ(errorOf(bad),
              "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters");
  }
  EXPECT_NE(errorOf("#" + std::string(64, 'A')), "");
}

TEST(AclRules, Keys) {
  EXPECT_EQ(described("%R~x* %W~x* ~y %R~y %RW~z %wr~q %R~r %W~w"), "off ~x* ~y ~z ~q %R~r %W~w resetchannels -@all");
  EXPECT_EQ(described("~x allkeys"), "off ~* resetchannels -@all");
  EXPECT_EQ(described("~* resetkeys ~y"), "off ~y resetchannels -@all");
  EXPECT_EQ(described("%RW~*"), "off ~* resetchannels -@all");
  EXPECT_EQ(errorOf("~* ~x"),
            "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. "
            "Try 'resetkeys' to start with an empty list of patterns");
  for (const char* bad : {"%", "%~a", "%RR~x", "%X~x", "\"~a b\"", "\"~a\\x00\""}) EXPECT_EQ(errorOf(bad), "Syntax error") << bad;
}

TEST(AclRules, Channels) {
  EXPECT_EQ(described("&a &b &a"), "off resetchannels &a &b -@all");
  EXPECT_EQ(described("&a allchannels"), "off &* -@all");
  EXPECT_EQ(described("&* resetchannels"), "off resetchannels -@all");
  EXPECT_EQ(errorOf("allchannels &x"),
            "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any "
            "effect. Try 'resetchannels' to start with an empty list of channels");
  EXPECT_EQ(errorOf("\"&a b\""), "Syntax error");
}

TEST(AclRules, CommandRulesStayAsGiven) {
  EXPECT_EQ(commandsOf("+@all -@hash -@slow +hget"), "+@all -@hash -@slow +hget");
  EXPECT_EQ(commandsOf("+@all -@hash -@slow +hget -@hash"), "+@all -@slow +hget -@hash");
  EXPECT_EQ(commandsOf("+@all -@hash -@slow +hget +@hash"), "+@all -@slow +hget +@hash");
  EXPECT_EQ(commandsOf("+@HASH +@hash +@HaSh"), "-@all +@hash");
  EXPECT_EQ(commandsOf("+HGET +hget +hGeT"), "-@all +hget");
  EXPECT_EQ(commandsOf("+@hash +@slow +@string +@string +@slow +@hash"), "-@all +@string +@slow +@hash");
  EXPECT_EQ(commandsOf("+hget -hset +hset -hget"), "-@all +hset -hget");
  EXPECT_EQ(commandsOf("+client|list +client|list +config|get +config +client|id -client"), "-@all +config -client");
  EXPECT_EQ(commandsOf("+select|0 +select|0 +debug|segfault +debug"), "-@all +select|0 +debug");
  EXPECT_EQ(commandsOf("-@dangerous"), "-@all -@dangerous");
  EXPECT_EQ(commandsOf("+config +config|get -config|set +config"), "-@all +config");
  EXPECT_EQ(commandsOf("+get allcommands -get nocommands"), "-@all");
  EXPECT_EQ(commandsOf("+getset +get"), "-@all +getset +get");  // one name begins with the other
}

TEST(AclRules, CommandsAndCategories) {
  User user = made("+@all -@dangerous +keys");
  EXPECT_TRUE(allows(user, "get"));
  EXPECT_TRUE(allows(user, "keys"));
  EXPECT_FALSE(allows(user, "debug"));
  EXPECT_FALSE(allows(user, "config|set"));
  EXPECT_TRUE(allows(user, "config|help"));
  EXPECT_FALSE(user.unrestricted());
  user = made("+client -client|list");
  EXPECT_TRUE(allows(user, "client"));
  EXPECT_TRUE(allows(user, "client|id"));
  EXPECT_FALSE(allows(user, "client|list"));
  EXPECT_TRUE(allows(made("+@slow"), "client|id")) << "the container is slow";
  EXPECT_FALSE(allows(made("+@fast"), "client|id"));
  EXPECT_TRUE(made("allcommands allkeys allchannels").unrestricted());
}

TEST(AclRules, FirstArguments) {
  User user = made("+select|0 +select|1 +SELECT|0");
  ASSERT_EQ(user.root().firstArguments.size(), 2u);
  EXPECT_EQ(change(user, "+select"), "");
  EXPECT_TRUE(user.root().firstArguments.empty());
  std::vector<std::string> deprecations;
  RuleContext context = kContext;
  context.deprecations = &deprecations;
  ASSERT_TRUE(applyRule(user, "+get|x", context));
  EXPECT_EQ(deprecations, std::vector<std::string>{"get|x"});
}

TEST(AclRules, WhatIsNoCommandRule) {
  for (const char* bad : {"+foo", "-foo", "+@foo", "-@foo", "+", "-", "+@", "+config|foo", "-config|foo", "-get|x", "+|",
                          "+get|a|b"}) {
    EXPECT_EQ(errorOf(bad), "Unknown command or category name in ACL") << bad;
  }
  EXPECT_EQ(errorOf("+config|get|x"), "Allowing first-arg of a subcommand is not supported");
  for (const char* bad : {"+config|", "+select|", "foo", ")", "\"on off\""}) EXPECT_EQ(errorOf(bad), "Syntax error") << bad;
}

TEST(AclRules, Selectors) {
  EXPECT_EQ(described("+get (+set ~x1) ( +@all %R~q* &ch ) ()"),
            "off resetchannels -@all +get (~x1 resetchannels -@all +set) (%R~q* resetchannels &ch +@all) "
            "(resetchannels -@all)");
  EXPECT_EQ(described("(+get) clearselectors"), "off resetchannels -@all");
  EXPECT_EQ(errorOf("(+get"), "unmatched at 0");
  EXPECT_EQ(errorOf("on ( +get ~x"), "unmatched at 1");
  EXPECT_EQ(errorOf("(on)"), "Syntax error");
  EXPECT_EQ(errorOf("((+get))"), "Syntax error");
  EXPECT_EQ(errorOf("(+foo)"), "Unknown command or category name in ACL");
}

TEST(AclRules, Reset) {
  EXPECT_EQ(described("on >a ~x &c +get (+set) reset"), "off sanitize-payload resetchannels -@all");
  EXPECT_EQ(described("skip-sanitize-payload ON NOPASS"), "on nopass skip-sanitize-payload resetchannels -@all");
}

TEST(AclRules, WhatDescribesAUserMakesIt) {
  for (const char* line : {"on >a >b ~x* %R~y &c +@all -@slow +config|get (~q +get) (allkeys allcommands allchannels)",
                           "off nopass +select|0 -@all +@string -get", "on sanitize-payload +@all -config +config|get"}) {
    const std::string text = described(line);
    EXPECT_EQ(described(text), text) << line;
  }
}

TEST(AclRules, QuotesAndParenthesesInsideSelectors) {
  User user = newUser("u", kContext);
  ASSERT_TRUE(applyRule(user, "~a\"b)", kContext));
  ASSERT_TRUE(applyRule(user, "(\"~c)\" \"~d\\\"\" &e)", kContext));
  EXPECT_EQ(user.describe(), "off ~a\"b) resetchannels -@all (\"~c)\" \"~d\\\"\" resetchannels &e -@all)");
  User again = newUser("u", kContext);
  const auto rules = user.rules();
  const std::vector<std::string_view> words(rules.begin(), rules.end());
  const auto joined = joinSelectors(words);
  ASSERT_TRUE(joined);
  for (const std::string& rule : *joined) ASSERT_TRUE(applyRule(again, rule, kContext));
  EXPECT_EQ(again.describe(), user.describe());
}

TEST(AclRules, EachCommandRuleIsARuleOfItsOwn) {
  User user = newUser("u", kContext);
  for (std::string_view rule : {"+@read", "-get", "+config|get", "+select|it's"}) {
    ASSERT_TRUE(applyRule(user, rule, kContext)) << rule;
  }
  const std::vector<std::string> rules = user.rules();
  EXPECT_EQ(rules, (std::vector<std::string>{"off", "resetchannels", "-@all", "+@read", "-get", "+config|get",
                                             "+select|it's"}));
  User again = newUser("u", kContext);
  for (const std::string& rule : rules) ASSERT_TRUE(applyRule(again, rule, kContext)) << rule;
  EXPECT_EQ(again.describe(), user.describe());
}

TEST(AclRules, BeforeCommandsAreKnown) {
  User user = newUser("u", {});
  EXPECT_TRUE(applyRule(user, "+nosuchcommand", {}));
  EXPECT_TRUE(applyRule(user, "+@read", {}));
  EXPECT_FALSE(applyRule(user, "foo", {}));
  EXPECT_FALSE(applyRule(user, "#12", {}));
}

}  // namespace
}  // namespace vigil::engine::acl
