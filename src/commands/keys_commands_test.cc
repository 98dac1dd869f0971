#include "commands/keys_commands.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/text.h"
#include "commands/keys_options.h"
#include "commands/list_commands.h"
#include "commands/list_options.h"
#include "commands/transcript.h"
#include "keyspace/reaper.h"

namespace vigil::commands {
namespace {

using command::CommandSpec;
using command::Context;
using command::EventClass;

// As much of the string commands as these tests need.
void setForTest(Context& context) {
  context.db().setString(context.key(1), context.arg(2));
  context.reply().ok();
  context.changed(context.key(1), EventClass::kString, "set");
}

void getForTest(Context& context) {
  keyspace::Entry::Scratch scratch;
  context.reply().bulk(context.db().find(context.key(1))->stringValue(scratch));
}

void appendForTest(Context& context) {
  context.reply().integer(static_cast<int64_t>(context.db().appendString(context.key(1), context.arg(2))));
  context.changed(context.key(1), EventClass::kString, "append");
}

constexpr CommandSpec kStringCommands[] = {
    {.name = "set", .arity = 3, .handler = setForTest},
    {.name = "get", .arity = 2, .handler = getForTest},
    {.name = "append", .arity = 3, .handler = appendForTest},
};

class CountingReaper : public keyspace::Reaper {
 public:
  void reap(std::move_only_function<void()> freeing, keyspace::Remains what) override {
    ++calls;
    keys += what.keys;
    freeing();
  }
  int calls = 0;
  int64_t keys = 0;
};

// The expected replies, events and log records are those of redis-server 7.0, but that EXPIRE's conditions, which hold
// once it is logged, are left out.
class KeyCommands : public ::testing::Test {
 protected:
  KeyCommands() {
    t.add(kStringCommands);
    t.add(listPushPopCommands(), &listOptions);
    t.add(listRangeCommands(), &listOptions);
    t.add(keyExistenceCommands(), &options);
    t.add(keyMoveCommands(), &options);
    t.add(keyExpireCommands(), &options);
    t.add(keyTtlCommands(), &options);
    t.add(keyScanCommands(), &options);
    t.add(keyObjectCommands(), &options);
    t.add(databaseCommands(), &options);
    t.run("set s text");
    t.run("set a 1");
    t.run("set b 2");
    t.run("set c text");
  }
  void clear() { t.run("flushall"); }

  CountingReaper reaper;
  Transcript t{&reaper};
  KeyOptions options;
  ListOptions listOptions;
};

TEST_F(KeyCommands, Existence) {
  constexpr Step kSteps[] = {
      {"exists a a nokey", ":2"},
      {"touch a b nokey", ":2"},
      {"type s", "+string"},
      {"type nokey", "+none"},
      {"del a nokey a", ":1", "del a"},
      {"unlink b nokey", ":1", "del b"},
      {"rpush l x", ":1", "rpush l"},
      {"type l", "+list"},
  };
  t.play(kSteps);
}

TEST_F(KeyCommands, TimesToLive) {
  constexpr Step kSteps[] = {
      {"pexpireat c 4102444800000", ":1", "expire c", "PEXPIREAT c 4102444800000"},
      {"pexpiretime c", ":4102444800000"},
      {"expiretime c", ":4102444800"},
      {"pexpireat c 4102444800000 NX", ":0"},
      {"pexpireat c 4102444800001 lt", ":0"},
      {"pexpireat c 4102444800001 xx gt", ":1", "expire c", "PEXPIREAT c 4102444800001"},
      {"expireat c 4102444801", ":1", "expire c", "PEXPIREAT c 4102444801000"},
      {"expireat c 4102444801 gt", ":0"},
      {"pexpireat c 4102444800499", ":1", "expire c", "PEXPIREAT c 4102444800499"},
      {"expiretime c", ":4102444800"},
      {"pexpireat c 4102444800500", ":1", "expire c", "PEXPIREAT c 4102444800500"},
      {"expiretime c", ":4102444801"},
      {"persist c", ":1", "persist c"},
      {"persist c", ":0"},
      {"persist nokey", ":0"},
      {"ttl c", ":-1"},
      {"pttl c", ":-1"},
      {"ttl nokey", ":-2"},
      {"pttl nokey", ":-2"},
      {"expiretime c", ":-1"},
      {"pexpiretime nokey", ":-2"},
      {"pexpireat c 4102444800000 gt", ":0"},
      {"pexpireat c 4102444800000 xx", ":0"},
      {"pexpireat c 4102444800000 lt", ":1", "expire c", "PEXPIREAT c 4102444800000"},
      {"expire nokey 100", ":0"},
      {"expire c x", "-ERR value is not an integer or out of range"},
      {"expire c 9223372036854775807", "-ERR invalid expire time in 'expire' command"},
      {"pexpire c 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"},
      {"EXPIRE c -9223372036854775808", "-ERR invalid expire time in 'expire' command"},
      {"expire c 100 foo", "-ERR Unsupported option foo"},
      {"expire c 100 nx xx", "-ERR NX and XX, GT or LT options at the same time are not compatible"},
      {"expire c 100 gt lt", "-ERR GT and LT options at the same time are not compatible"},
      {"expire c x nx gt", "-ERR NX and XX, GT or LT options at the same time are not compatible"},
      {"pexpireat c 9223372036854775807", ":1", "expire c", "PEXPIREAT c 9223372036854775807"},
      {"pexpiretime c", ":9223372036854775807"},
      {"pexpireat c 0", ":1", "del c", "DEL c"},
      {"exists c", ":0"},
      {"set c text", "+OK", "set c"},
      {"expire c -1", ":1", "del c", "DEL c"},
      {"set c text", "+OK", "set c"},
      {"pexpire c 0 gt", ":0"},
      {"pexpire c 0 lt", ":1", "del c", "DEL c"},
      {"set c text", "+OK", "set c"},
      {"expireat c 1", ":1", "del c", "DEL c"},
  };
  t.play(kSteps);
}

TEST_F(KeyCommands, RenameMoveAndCopy) {
  constexpr Step kSteps[] = {
      {"rename nokey a", "-ERR no such key"},
      {"rename s s", "+OK"},
      {"renamenx s s", ":0"},
      {"set a 1", "+OK", "set a"},
      {"pexpireat a 4102444800000", ":1", "expire a", "PEXPIREAT a 4102444800000"},
      {"rename a b", "+OK", "rename_from a, rename_to b"},
      {"pexpiretime b", ":4102444800000"},
      {"set a 2", "+OK", "set a"},
      {"renamenx a b", ":0"},
      {"renamenx a c", ":1", "rename_from a, rename_to c"},
      {"rename c b", "+OK", "rename_from c, rename_to b"},
      {"get b", "$1 2"},
      {"pexpiretime b", ":-1"},
      {"rename l list", "+OK", "rename_from l, rename_to list"},
      {"move b 1", ":1", "move_from b, 1:move_to b"},
      {"move b 1", ":0"},
      {"set b again", "+OK", "set b"},
      {"move b 1", ":0"},
      {"move s x", "-ERR value is not an integer or out of range"},
      {"move s 99", "-ERR DB index is out of range"},
      {"move s -1", "-ERR DB index is out of range"},
      {"move s 0", "-ERR source and destination objects are the same"},
      {"move s 3000000000", "-ERR value is out of range, value must between -2147483648 and 2147483647"},
      {"copy nokey a", ":0"},
      {"copy s s", "-ERR source and destination objects are the same"},
      {"copy nokey nokey", "-ERR source and destination objects are the same"},
      {"copy s s db 0", "-ERR source and destination objects are the same"},
      {"copy s s db x", "-ERR value is not an integer or out of range"},
      {"copy s s db 77", "-ERR DB index is out of range"},
      {"copy s s db", "-ERR syntax error"},
      {"copy s t foo", "-ERR syntax error"},
      {"copy s t", ":1", "copy_to t"},
      {"copy s t", ":0"},
      {"copy list t", ":0"},
      {"copy list t replace", ":1", "copy_to t"},
      {"lrange t 0 -1", "*1 $1 x"},
      {"lpush list y", ":2", "lpush list"},
      {"lrange t 0 -1", "*1 $1 x"},
      {"copy s b db 1", ":0"},
      {"copy s b db 1 replace", ":1", "1:copy_to b"},
      {"copy s q db 3", ":1", "3:copy_to q"},
      {"pexpireat s 4102444800000", ":1", "expire s", "PEXPIREAT s 4102444800000"},
      {"copy s u", ":1", "copy_to u"},
      {"pexpiretime u", ":4102444800000"},
  };
  t.run("del a b c");
  t.run("rpush l x");
  t.play(kSteps);
}

TEST_F(KeyCommands, Object) {
  constexpr Step kSteps[] = {
      {"set n 5", "+OK", "set n"},          {"object encoding n", "$3 int"},
      {"object refcount n", ":2147483647"}, {"set n 10000", "+OK", "set n"},
      {"object refcount n", ":1"},          {"set n -1", "+OK", "set n"},
      {"object refcount n", ":1"},          {"object encoding nokey", "$-1"},
      {"object refcount nokey", "$-1"},     {"object encoding s", "$6 embstr"},
      {"object freq nokey", "$-1"},         {"set big 12345678901234567890123456789012345678901234", "+OK", "set big"},
      {"object encoding big", "$6 embstr"}, {"append big 5", ":45", "append big"},
      {"object encoding big", "$3 raw"},    {"set big 123456789012345678901234567890123456789012345", "+OK", "set big"},
      {"object encoding big", "$3 raw"},
  };
  t.play(kSteps);
}

TEST_F(KeyCommands, Walks) {
  constexpr Step kSteps[] = {
      {"set k1 a", "+OK", "set k1"},
      {"scan 0", "*2 $1 0 *1 $2 k1"},
      {"scan 0 match k* count 100", "*2 $1 0 *1 $2 k1"},
      {"scan 0 match z*", "*2 $1 0 *0"},
      {"scan 0 type STRING", "*2 $1 0 *1 $2 k1"},
      {"scan 0 type list", "*2 $1 0 *0"},
      {"scan 0 type foo", "*2 $1 0 *0"},
      {"scan x", "-ERR invalid cursor"},
      {"scan 99999999999999999999", "-ERR invalid cursor"},
      {"scan 0 count x", "-ERR value is not an integer or out of range"},
      {"scan 0 count 0", "-ERR syntax error"},
      {"scan 0 count", "-ERR syntax error"},
      {"scan 0 foo 1", "-ERR syntax error"},
      {"keys *", "*1 $2 k1"},
      {"keys k?", "*1 $2 k1"},
      {"keys z*", "*0"},
      {"randomkey", "$2 k1"},
      {"dbsize", ":1"},
  };
  clear();
  t.play(kSteps);
}

TEST_F(KeyCommands, WholeDatabases) {
  constexpr Step kSteps[] = {
      {"flushdb foo", "-ERR syntax error"},
      {"flushdb sync async", "-ERR syntax error"},
      {"swapdb x 1", "-ERR invalid first DB index"},
      {"swapdb 1 x", "-ERR invalid second DB index"},
      {"swapdb 0 99", "-ERR DB index is out of range"},
      {"swapdb -1 0", "-ERR DB index is out of range"},
      {"swapdb 0 0", "+OK", "swapped 0 0", "swapdb 0 0"},
      {"swapdb 0 1", "+OK", "swapped 0 1", "swapdb 0 1"},
      {"dbsize", ":0"},
      {"swapdb 1 0", "+OK", "swapped 1 0", "swapdb 1 0"},
      {"dbsize", ":1"},
      {"flushdb async", "+OK", "flushed 0", "flushdb async"},
      {"randomkey", "$-1"},
      {"scan 0", "*2 $1 0 *0"},
      {"keys *", "*0"},
      {"flushdb", "+OK", "flushed 0", "flushdb"},
      {"flushall SYNC", "+OK", "flushed -1", "flushall SYNC"},
  };
  clear();
  t.run("set k1 a");
  t.play(kSteps);
}

TEST_F(KeyCommands, RelativeTimesToLive) {
  constexpr Step kSteps[] = {
      {"expire s 100", ":1", "expire s", "PEXPIREAT s 1700000100000"},
      {"ttl s", ":100"},
      {"pttl s", ":100000"},
      {"expire s 50 gt", ":0"},
      {"expire s 200 gt", ":1", "expire s", "PEXPIREAT s 1700000200000"},
      {"pexpire s 1500", ":1", "expire s", "PEXPIREAT s 1700000001500"},
  };
  t.play(kSteps);
  t.advance(1);
  EXPECT_EQ(t.run("ttl s").reply, ":1");
  t.advance(1000);
  EXPECT_EQ(t.run("ttl s").reply, ":0");
  t.advance(499);
  EXPECT_EQ(t.run("ttl s").reply, ":-2");
  EXPECT_EQ(t.run("exists s").reply, ":0");
  EXPECT_EQ(t.run("rename s x").reply, "-ERR no such key");
}

TEST_F(KeyCommands, AMastersStreamIsFollowedToTheLetter) {
  t.setMode(keyspace::ExpiryMode::kIgnore);
  EXPECT_EQ(t.run("pexpireat s 5").events, "expire s");
  EXPECT_EQ(t.run("pexpireat c 0").events, "expire c");
  EXPECT_EQ(t.run("exists s c").reply, ":2");
  t.setMode(keyspace::ExpiryMode::kHide);
  EXPECT_EQ(t.run("exists s c").reply, ":0");
}

TEST_F(KeyCommands, LazyFreeing) {
  EXPECT_EQ(t.run("flushdb sync").reply, "+OK");
  EXPECT_EQ(reaper.calls, 0);
  t.run("set a 1");
  t.run("set b 2");
  EXPECT_EQ(t.run("flushdb async").reply, "+OK");
  EXPECT_EQ(reaper.keys, 2);
  options.lazyUserFlush = true;
  t.run("set a 1");
  EXPECT_EQ(t.run("flushall").reply, "+OK");
  EXPECT_EQ(reaper.keys, 3);
}

TEST_F(KeyCommands, KeysThatComeToBeAreReady) {
  t.run("rpush l x");
  EXPECT_EQ(t.run("rename l m").readyKeys, "m");
  EXPECT_EQ(t.run("copy m n").readyKeys, "n");
  EXPECT_EQ(t.run("move m 1").readyKeys, "m");
  EXPECT_EQ(t.run("rename n n").readyKeys, "");
}

TEST_F(KeyCommands, EncodingsOfLists) {
  listOptions.maxListpackSize = 2;
  t.run("rpush l a b");
  EXPECT_EQ(t.run("object encoding l").reply, "$8 listpack");
  t.run("rpush l c");
  EXPECT_EQ(t.run("object encoding l").reply, "$9 quicklist");
}

TEST_F(KeyCommands, IdleTimeAndFrequency) {
  t.advance(7000);
  EXPECT_EQ(t.run("object idletime s").reply, ":7");
  t.run("exists s");
  t.run("ttl s");
  t.run("type s");
  EXPECT_EQ(t.run("object idletime s").reply, ":7");
  t.run("touch s");
  EXPECT_EQ(t.run("object idletime s").reply, ":0");
  EXPECT_TRUE(t.run("object freq s").reply.starts_with("-ERR An LFU maxmemory policy is not selected"));
  t.keyspace().setAccessPolicy({.lfu = true});
  EXPECT_TRUE(t.run("object idletime s").reply.starts_with("-ERR An LFU maxmemory policy is selected"));
  t.run("set fresh value");
  EXPECT_EQ(t.run("object freq fresh").reply, ":5");
}

TEST_F(KeyCommands, ScanVisitsEveryKey) {
  clear();
  for (int i = 0; i < 500; ++i) t.run("set key:" + std::to_string(i) + " x");
  std::set<std::string> seen;
  std::string cursor = "0";
  do {
    const auto reply = t.run("scan " + cursor + " count 20 match key:*").reply;  // "*2 $n cursor *n $5 key:1 ..."
    const auto words = splitArguments(reply).value();
    cursor = words.at(2);
    for (const auto& word : words) {
      if (word.starts_with("key:")) seen.insert(word);
    }
  } while (cursor != "0");
  EXPECT_EQ(seen.size(), 500u);
  EXPECT_EQ(t.run("keys key:49?").reply.substr(0, 3), "*10");
}

}  // namespace
}  // namespace vigil::commands
