#include "engine/acl/directory.h"

#include <gtest/gtest.h>

#include "base/log_line.h"
#include "base/sha256.h"
#include "engine/acl/acl_file.h"
#include "engine/acl/acl_options.h"
#include "engine/acl/acl_test_table.h"
#include "persistence/memory_files.h"

namespace vigil::engine::acl {
namespace {

class LinesLogger final : public Logger {
 public:
  void write(LogLevel, std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

class AclDirectoryTest : public ::testing::Test {
 protected:
  std::string set(std::string_view name, std::vector<std::string_view> rules) {
    auto changed = users_.set(name, rules);
    return changed ? "OK" : changed.error();
  }
  std::string described(std::string_view name) {
    auto user = users_.find(name);
    return user ? user->describe() : "(none)";
  }

  AclOptions options_;
  LinesLogger logger_;
  persistence::MemoryFiles files_;
  Directory users_{options_, logger_, testTable()};
};

TEST_F(AclDirectoryTest, StartsWithAnOpenDefaultUser) {
  ASSERT_TRUE(users_.start(files_));
  EXPECT_EQ(users_.fileText(), "user default on nopass ~* &* +@all\n");
  EXPECT_TRUE(users_.defaultIsOpen());
  EXPECT_FALSE(users_.defaultHasPassword());
}

TEST_F(AclDirectoryTest, RequirepassIsTheDefaultUsersPassword) {
  options_.password.store("secret");
  ASSERT_TRUE(users_.start(files_));
  EXPECT_EQ(described("default"), "on #" + sha256Hex("secret") + " ~* &* +@all");
  EXPECT_FALSE(users_.defaultIsOpen());
  const uint64_t before = users_.generation();
  options_.password.store("");
  options_.passwordChanged();
  EXPECT_TRUE(users_.defaultIsOpen());
  EXPECT_GT(users_.generation(), before);
}

TEST_F(AclDirectoryTest, AChangeIsAllOrNothing) {
  ASSERT_TRUE(users_.start(files_));
  EXPECT_EQ(set("bob", {"on", "+get"}), "OK");
  const uint64_t before = users_.generation();
  EXPECT_EQ(set("bob", {"off", "+set", "foo"}), "ERR Error in ACL SETUSER modifier 'foo': Syntax error");
  EXPECT_EQ(set("bob", {"on", "(+get", "~x"}), "ERR Unmatched parenthesis in acl selector starting at '(+get'.");
  EXPECT_EQ(described("bob"), "on resetchannels -@all +get");
  EXPECT_EQ(users_.generation(), before);
  EXPECT_EQ(set("nobody", {"foo"}), "ERR Error in ACL SETUSER modifier 'foo': Syntax error");
  EXPECT_EQ(described("nobody"), "(none)");
}

TEST_F(AclDirectoryTest, SnapshotsOfAUserDoNotChange) {
  ASSERT_TRUE(users_.start(files_));
  EXPECT_EQ(set("bob", {"+get"}), "OK");
  UserPtr before = users_.find("bob");
  EXPECT_EQ(set("bob", {"+set"}), "OK");
  EXPECT_EQ(before->describe(), "off resetchannels -@all +get");
  EXPECT_EQ(users_.find("bob")->id, before->id);
  EXPECT_EQ(users_.remove("bob")->id, before->id);
  EXPECT_EQ(users_.remove("bob"), nullptr);
  EXPECT_EQ(set("bob", {"+get"}), "OK");
  EXPECT_NE(users_.find("bob")->id, before->id) << "another user of that name";
  EXPECT_EQ(users_.remove("default"), nullptr);
}

TEST_F(AclDirectoryTest, UserLinesOfTheConfiguration) {
  options_.users = {{"bob", {"on", ">x", "+get"}}, {"default", {"on", "nopass", "+@all"}}, {"eve", {"~x"}}};
  ASSERT_TRUE(users_.start(files_));
  EXPECT_EQ(described("default"), "on nopass sanitize-payload resetchannels +@all");
  EXPECT_EQ(described("eve"), "off ~x resetchannels -@all");
  ASSERT_EQ(logger_.lines.size(), 1u);
  EXPECT_EQ(logger_.lines[0],
            "The user 'eve' is disabled (there is no 'on' modifier in the user description). Make sure this is not a "
            "configuration error.");
  EXPECT_EQ(options_.describeUsers().front(), "user bob on #" + sha256Hex("x") + " resetchannels -@all +get");
}

TEST_F(AclDirectoryTest, BadUserLinesKeepTheNodeFromStarting) {
  options_.users = {{"bob", {"+foo"}}};
  auto started = users_.start(files_);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "Critical error while loading ACLs. Exiting.");
  EXPECT_EQ(logger_.lines.at(0),
            "Error loading ACL rule '+foo' for the user named 'bob': Unknown command or category name in ACL");
}

TEST_F(AclDirectoryTest, TheFileReplacesAllUsers) {
  ASSERT_TRUE(users_.start(files_));
  set("same", {"on", ">p", "+get"});
  set("changed", {"on"});
  set("gone", {"on"});
  const std::string same = userLine(*users_.find("same"));
  auto changes = users_.replaceFrom(same + "\nuser changed off\n\n user new on\r\n", "u.acl");
  ASSERT_TRUE(changes);
  EXPECT_EQ(users_.fileText(), "user changed off resetchannels -@all\nuser default on nopass ~* &* +@all\nuser new on "
                               "resetchannels -@all\n" +
                                   same + "\n");
  for (const UserChange& change : *changes) {
    const bool stays = change.after && change.after->id == change.before->id;
    EXPECT_EQ(stays, change.before->name == "same" || change.before->name == "default") << change.before->name;
  }
  EXPECT_FALSE(users_.replaceFrom("user a foo\n", "u.acl"));
  EXPECT_NE(users_.find("same"), nullptr);
}

TEST_F(AclDirectoryTest, StartsFromAFile) {
  options_.file.store("u.acl");
  EXPECT_NE(users_.start(files_).error().message.find(
                "Aborting Redis startup because of ACL errors: Error loading ACLs, opening file 'u.acl': "),
            std::string::npos);
  ASSERT_TRUE(replaceFileDurably(files_, "u.acl", "user bob on +get\n"));
  ASSERT_TRUE(users_.start(files_));
  EXPECT_EQ(described("bob"), "on resetchannels -@all +get");
  options_.users = {{"eve", {}}};
  EXPECT_FALSE(users_.start(files_)) << "users in two places";
}

std::string errorsOf(std::string_view text) {
  auto read = readUsers(text, "f", {.commands = &testTable()});
  if (read) return "";
  const std::string_view end =
      "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";
  EXPECT_TRUE(read.error().message.ends_with(end));
  return read.error().message.substr(0, read.error().message.size() - end.size());
}

TEST(AclFile, WhatIsWrongInEachLine) {
  EXPECT_EQ(errorsOf(""), "");
  EXPECT_EQ(errorsOf("user a"), "");
  EXPECT_EQ(errorsOf("user a  on\r\n\n"), "");
  EXPECT_EQ(errorsOf("user a on ( +get ) (~x +set)"), "");
  EXPECT_EQ(errorsOf("# x"), "f:1 should start with user keyword followed by the username. ");
  EXPECT_EQ(errorsOf("user"), "f:1 should start with user keyword followed by the username. ");
  EXPECT_EQ(errorsOf("USER a"), "f:1 should start with user keyword followed by the username. ");
  EXPECT_EQ(errorsOf("user a foo\nuser b +foo\nuser c foo bar +x"),
            "f:1: Syntax error. f:2: Error in applying operation '+foo': Unknown command or category name in ACL. "
            "f:3: Syntax error. f:3: Error in applying operation '+x': Unknown command or category name in ACL. ");
  EXPECT_EQ(errorsOf("user a on\nuser a off"), "WARNING: Duplicate user 'a' found on line 2. ");
  EXPECT_EQ(errorsOf("user a\ton"), "'f:1: username 'a\ton' contains invalid characters. ");
  EXPECT_EQ(errorsOf("user \"a b\" on"), "f:1: Syntax error. ");
  EXPECT_EQ(errorsOf("user a (+get"), "f:1: Unmatched parenthesis in selector definition. ");
}

TEST(AclLogTest, TheSameWithinAMinuteIsCounted) {
  AclLog log;
  auto add = [&](DenialReason reason, const char* object, UnixMs now) {
    log.add({.reason = reason, .object = object, .user = "u"}, now, 3);
  };
  add(DenialReason::kKey, "a", 1000);
  add(DenialReason::kKey, "b", 2000);
  add(DenialReason::kKey, "a", 61000);
  auto entries = log.newest(10);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].object, "a");
  EXPECT_EQ(entries[0].count, 2u);
  EXPECT_EQ(entries[0].id, 0u);
  EXPECT_EQ(entries[0].created, 1000);
  EXPECT_EQ(entries[0].updated, 61000);
  add(DenialReason::kKey, "b", 62001);  // a minute and more after the first
  add(DenialReason::kCommand, "b", 62001);
  entries = log.newest(10);
  ASSERT_EQ(entries.size(), 3u) << "the oldest goes";
  EXPECT_EQ(entries[1].count, 1u);
  EXPECT_EQ(entries[0].id, 3u);
  EXPECT_EQ(log.newest(1).size(), 1u);
  EXPECT_EQ(log.denied(DenialReason::kKey), 4);
  EXPECT_EQ(log.denied(DenialReason::kCommand), 1);
  log.clear();
  EXPECT_TRUE(log.newest(10).empty());
}

}  // namespace
}  // namespace vigil::engine::acl
