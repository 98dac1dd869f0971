#include "command/command_docs.h"

#include <gtest/gtest.h>

#include <functional>

#include "command/argument_docs.h"

namespace vigil::command {
namespace {

bool findSetKeys(std::span<const std::string_view>, std::vector<KeyPosition>& keys) {
  keys.push_back({1, kKeyRW | kKeyAccess | kKeyUpdate});
  return true;
}

constexpr KeySpec kSetKeys[] = {
    {.flags = kKeyRW | kKeyAccess | kKeyUpdate | kKeyVariableFlags, .notes = "RW because of GET"}};
constexpr KeySpec kPopKeys[] = {
    {.flags = kKeyRW | kKeyAccess | kKeyDelete, .find = KeySpec::Find::kKeynum, .limit = 1}};
constexpr KeySpec kMoveKeys[] = {{.flags = kKeyRW}, {.flags = kKeyRW, .index = 2}};
constexpr std::string_view kHistory[] = {"6.0.0|Added the `KEEPTTL` option."};
constexpr CommandSpec kSubcommands[] = {{.name = "list", .arity = -2, .flags = kAdmin, .categories = kCatConnection}};
constexpr CommandSpec kRows[] = {
    {.name = "set",
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .categories = kCatString,
     .keys = kSetKeys,
     .findKeys = findSetKeys,
     .group = "string",
     .since = "1.0.0",
     .summary = "Sets",
     .deprecatedSince = "9.0.0",
     .replacedBy = "`X`",
     .history = kHistory,
     .arguments = "key [condition:(NX|XX)@2.6.12]"},
    {.name = "lmpop", .arity = -4, .flags = kWrite | kMovableKeys, .categories = kCatList, .keys = kPopKeys},
    {.name = "lmove", .arity = 5, .flags = kWrite, .keys = kMoveKeys},
    {.name = "client", .arity = -2, .subcommands = kSubcommands},
    {.name = "ping", .arity = -1, .flags = kFast},
};

class CommandDocs : public ::testing::Test {
 protected:
  CommandDocs() { table.add(kRows, nullptr); }

  // RESP with blanks for line ends.
  std::string written(int protocol, const std::function<void(Reply&)>& write) {
    OutputBuffer out;
    Reply reply(out, protocol);
    write(reply);
    std::string_view piece;
    std::string text;
    if (out.gather(&piece, 1) == 1) text = piece;
    for (size_t at = 0; (at = text.find("\r\n", at)) != std::string::npos;) text.replace(at, 2, " ");
    return text;
  }
  std::string info(int protocol, std::initializer_list<std::string_view> names) {
    return written(protocol, [&](Reply& r) { replyCommandInfo(r, table, {names.begin(), names.size()}); });
  }
  std::string list(std::initializer_list<std::string_view> filter) {
    return written(2, [&](Reply& r) { replyCommandList(r, table, {filter.begin(), filter.size()}); });
  }
  std::string keys(std::initializer_list<std::string_view> call, bool withFlags = false) {
    return written(2, [&](Reply& r) { replyCommandKeys(r, table, {call.begin(), call.size()}, withFlags); });
  }

  CommandTable table;
};

TEST_F(CommandDocs, Info) {
  EXPECT_EQ(
      info(3, {"SET", "nosuch"}),
      "*2 *10 $3 set :-3 ~2 +write +denyoom :1 :1 :1 ~3 +@write +@string +@slow ~0 ~1 %4 $5 notes "
      "$17 RW because of GET $5 flags ~4 +RW +access +update +variable_flags $12 begin_search %2 $4 type $5 index "
      "$4 spec %1 $5 index :1 $9 find_keys %2 $4 type $5 range $4 spec %3 $7 lastkey :0 $7 keystep :1 $5 limit :0 "
      "~0 _ ");
  EXPECT_EQ(info(2, {"lmpop"}),
            "*1 *10 $5 lmpop :-4 *2 +write +movablekeys :0 :0 :0 *3 +@write +@list +@slow *0 *1 *6 $5 flags *3 +RW "
            "+access +delete $12 begin_search *4 $4 type $5 index $4 spec *2 $5 index :1 $9 find_keys *4 $4 type "
            "$6 keynum $4 spec *6 $9 keynumidx :0 $8 firstkey :1 $7 keystep :1 *0 ");
  EXPECT_TRUE(info(2, {"lmove"}).starts_with("*1 *10 $5 lmove :5 *1 +write :1 :2 :1 "));
  EXPECT_EQ(info(2, {"client"}),
            "*1 *10 $6 client :-2 *0 :0 :0 :0 *1 +@slow *0 *0 *1 *10 $11 client|list :-2 *1 +admin :0 :0 :0 *4 +@admin "
            "+@slow +@dangerous +@connection *0 *0 *0 ");
  EXPECT_EQ(info(2, {"client|list"}).substr(0, 24), "*1 *10 $11 client|list :");
  EXPECT_TRUE(info(2, {}).starts_with("*5 *10 $3 set "));
}

TEST_F(CommandDocs, Docs) {
  const std::string_view names[] = {"set", "nosuch"};
  EXPECT_EQ(
      written(3, [&](Reply& r) { replyCommandDocs(r, table, names); }),
      "%1 $3 set %8 $7 summary $4 Sets $5 since $5 1.0.0 $5 group $6 string $9 doc_flags ~1 +deprecated "
      "$16 deprecated_since $5 9.0.0 $11 replaced_by $3 `X` $7 history ~1 *2 $5 6.0.0 $27 Added the `KEEPTTL` option. "
      "$9 arguments *2 %4 $4 name $3 key $4 type $3 key $12 display_text $3 key $14 key_spec_index :0 "
      "%5 $4 name $9 condition $4 type $5 oneof $5 since $6 2.6.12 $5 flags ~1 +optional $9 arguments *2 "
      "%4 $4 name $2 nx $4 type $10 pure-token $12 display_text $2 nx $5 token $2 NX "
      "%4 $4 name $2 xx $4 type $10 pure-token $12 display_text $2 xx $5 token $2 XX ");
}

TEST_F(CommandDocs, ListAndCount) {
  EXPECT_EQ(list({}), "*6 $3 set $5 lmpop $5 lmove $6 client $11 client|list $4 ping ");
  EXPECT_EQ(list({"filterby", "pattern", "L*"}), "*2 $5 lmpop $5 lmove ");
  EXPECT_EQ(list({"FILTERBY", "ACLCAT", "fast"}), "*1 $4 ping ");
  EXPECT_EQ(list({"FILTERBY", "ACLCAT", "nosuch"}), "*0 ");
  EXPECT_EQ(list({"FILTERBY", "MODULE", "x"}), "*0 ");
  EXPECT_EQ(list({"FILTERBY", "x", "y"}), "-ERR syntax error ");
  EXPECT_EQ(list({"x"}), "-ERR syntax error ");
  EXPECT_EQ(written(2, [&](Reply& r) { replyCommandCount(r, table); }), ":5 ");
}

TEST_F(CommandDocs, Keys) {
  EXPECT_EQ(keys({"set", "a", "b"}), "*1 $1 a ");
  EXPECT_EQ(keys({"set", "a", "b", "get"}, true), "*1 *2 $1 a *3 +RW +access +update ");
  EXPECT_EQ(keys({"lmpop", "2", "a", "b", "left"}), "*2 $1 a $1 b ");
  EXPECT_EQ(keys({"lmpop", "9", "a", "left"}), "-ERR Invalid arguments specified for command ");
  EXPECT_EQ(keys({"set", "a"}), "-ERR Invalid number of arguments specified for command ");
  EXPECT_EQ(keys({"ping", "a"}), "-ERR The command has no key arguments ");
  EXPECT_EQ(keys({"nosuch", "a"}), "-ERR Invalid command specified ");
  EXPECT_EQ(keys({"client"}), "-ERR Invalid command specified ");
}

TEST(ArgumentDocs, TheNotation) {
  const auto arguments = parseArguments(
      "key#1 [id_or_auto:(auto_id:pure-token='*'|id)] field_value:<field value>+ "
      "[pattern:pattern=GET@2.0.0!6.2.0++] ms:unix-time=PXAT ['ip:port'=ADDR]");
  ASSERT_TRUE(arguments);
  ASSERT_EQ(arguments->size(), 6u);
  EXPECT_EQ((*arguments)[0].keySpec, 1);
  EXPECT_TRUE((*arguments)[1].optional);
  EXPECT_EQ((*arguments)[1].type, "oneof");
  EXPECT_EQ((*arguments)[1].arguments[0].token, "*");
  EXPECT_EQ((*arguments)[1].arguments[1].type, "string");
  EXPECT_EQ((*arguments)[2].type, "block");
  EXPECT_TRUE((*arguments)[2].multiple);
  EXPECT_FALSE((*arguments)[2].multipleToken);
  EXPECT_TRUE((*arguments)[3].multipleToken);
  EXPECT_EQ((*arguments)[3].token, "GET");
  EXPECT_EQ((*arguments)[3].since, "2.0.0");
  EXPECT_EQ((*arguments)[3].deprecatedSince, "6.2.0");
  EXPECT_EQ((*arguments)[4].type, "unix-time");
  EXPECT_EQ((*arguments)[5].name, "ip:port");
  EXPECT_TRUE(parseArguments("")->empty());
  for (const char* bad : {" ", "key ", "[key", "a:(b", "a:b", "a:<b c", "key=", "a='x", "key ...", "a|b", "'a", "''"}) {
    EXPECT_FALSE(parseArguments(bad)) << bad;
  }
}

}  // namespace
}  // namespace vigil::command
