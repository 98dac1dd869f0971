#include "commands/string_commands.h"

#include <gtest/gtest.h>

#include <string>

#include "commands/string_access.h"
#include "commands/transcript.h"

namespace vigil::commands {
namespace {

// The expected replies and events are those of redis-server 7.0.
class StringCommands : public ::testing::Test {
 protected:
  StringCommands() {
    for (auto rows : {stringReadCommands(), stringSetCommands(), stringCounterCommands(), stringRangeCommands()}) {
      t.add(rows, &limits);
    }
    t.db().addList(t.db().ref("l"));
  }
  bool hasTtl(std::string_view key) { return t.db().peek(t.db().ref(key))->hasExpire(); }

  std::atomic<uint64_t> maxBulk{1 << 20};
  StringLimits limits{maxBulk};
  Transcript t;
};

constexpr std::string_view kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr std::string_view kNotInteger = "-ERR value is not an integer or out of range";
constexpr std::string_view kSyntax = "-ERR syntax error";

TEST_F(StringCommands, SetAndGet) {
  constexpr Step kSteps[] = {
      {"get a", "$-1"},
      {"set a hello", "+OK", "set a"},
      {"get a", "$5 hello"},
      {"set a 12", "+OK", "set a"},
      {"get a", "$2 12"},
      {"set a x nx", "$-1"},
      {"set b x xx", "$-1"},
      {"set b x nx", "+OK", "set b"},
      {"set b y xx get", "$1 x", "set b", "set b y xx"},
      {"set b z get nx", "$1 y"},
      {"set c z get nx", "$-1", "set c", "set c z nx"},
      {"set a b nx xx", kSyntax},
      {"set a 1 nx get xx", kSyntax},
      {"set a 1 ex", kSyntax},
      {"set a 1 ex abc", kNotInteger},
      {"set a 1 ex 0", "-ERR invalid expire time in 'set' command"},
      {"set a 1 px 9223372036854775807", "-ERR invalid expire time in 'set' command"},
      {"set a 1 keepttl ex 1", kSyntax},
      {"set a 1 ex 1 px 1", kSyntax},
      {"set f 1 ex abc ex 5", "+OK", "set f, expire f", "SET f 1 PXAT 1700000005000"},
      {"set f 1 keepttl keepttl", "+OK", "set f"},
      {"set a 1 persist", kSyntax},
      {"get l", kWrongType},
      {"set l x get", kWrongType},
      {"setnx a x", ":0"},
      {"setnx d x", ":1", "set d"},
      {"getset d y", "$1 x", "set d", "SET d y"},
      {"getset e y", "$-1", "set e", "SET e y"},
      {"getset l y", kWrongType},
      {"getdel d", "$1 y", "del d", "DEL d"},
      {"getdel d", "$-1"},
      {"getdel l", kWrongType},
      {"strlen a", ":2"},
      {"strlen nokey", ":0"},
      {"strlen l", kWrongType},
      {"set l now-a-string", "+OK", "set l"},
      {"get l", "$12 now-a-string"},
  };
  t.play(kSteps);
}

TEST_F(StringCommands, SeveralKeys) {
  constexpr Step kSteps[] = {
      {"mset a 1 b two", "+OK", "set a, set b"},
      {"mget a l nokey b", "*4 $1 1 $-1 $-1 $3 two"},
      {"mset a 1 b", "-ERR wrong number of arguments for 'mset' command"},
      {"msetnx a 1 b", "-ERR wrong number of arguments for 'msetnx' command"},
      {"msetnx c 1 l 2", ":0"},
      {"get c", "$-1"},
      {"msetnx c 1 d 2", ":1", "set c, set d"},
      {"mset a 1 a 2", "+OK", "set a, set a"},
      {"get a", "$1 2"},
  };
  t.play(kSteps);
}

TEST_F(StringCommands, ExpiryIsLoggedAsAMoment) {
  constexpr Step kSteps[] = {
      {"set a 1 ex 10", "+OK", "set a, expire a", "SET a 1 PXAT 1700000010000"},
      {"set a 2 px 5", "+OK", "set a, expire a", "SET a 2 PXAT 1700000000005"},
      {"set a 3 exat 1700000001", "+OK", "set a, expire a", "SET a 3 PXAT 1700000001000"},
      {"set a 4 get pxat 1700000000001", "$1 3", "set a, expire a", "SET a 4 PXAT 1700000000001"},
      {"set a 5 keepttl", "+OK", "set a"},
      {"setex a 10 6", "+OK", "set a, expire a", "SET a 6 PXAT 1700000010000"},
      {"psetex a 10 7", "+OK", "set a, expire a", "SET a 7 PXAT 1700000000010"},
      {"setex a 0 b", "-ERR invalid expire time in 'setex' command"},
      {"setex a x b", kNotInteger},
      {"psetex a -1 b", "-ERR invalid expire time in 'psetex' command"},
      {"getex a", "$1 7"},
      {"getex a ex 5", "$1 7", "expire a", "PEXPIREAT a 1700000005000"},
      {"getex a persist persist", "$1 7", "persist a", "PERSIST a"},
      {"getex a persist", "$1 7"},
      {"getex a pxat 1", "$1 7", "del a", "DEL a"},
      {"getex a ex 0", "$-1"},
      {"set a 1 exat 1", "+OK", "set a, expire a", "SET a 1 PXAT 1000"},
      {"get a", "$-1"},
      {"set a 1", "+OK", "set a"},
      {"getex a ex 0", "-ERR invalid expire time in 'getex' command"},
      {"getex a persist ex 1", kSyntax},
      {"getex a ex 1 exat 1", kSyntax},
      {"getex a foo", kSyntax},
      {"getex l", kWrongType},
      {"set a 1 pxat 1", "+OK", "set a, expire a", "SET a 1 PXAT 1"},
      {"get a", "$-1"},
  };
  t.play(kSteps);
}

TEST_F(StringCommands, KeepTtlKeepsAndSetClears) {
  t.run("set a 1 ex 10");
  t.run("set a text keepttl");
  EXPECT_TRUE(hasTtl("a"));
  t.run("set a 5 keepttl");
  EXPECT_TRUE(hasTtl("a"));
  for (const char* line : {"incr a", "append a 0", "setrange a 0 7", "incrbyfloat a 1.5"}) {
    t.run(line);
    EXPECT_TRUE(hasTtl("a")) << line;
  }
  t.run("set a 1");
  EXPECT_FALSE(hasTtl("a"));
  t.run("set a 1 px 10");
  t.advance(10);
  EXPECT_EQ(t.run("get a").reply, "$-1");
}

TEST_F(StringCommands, Counters) {
  constexpr Step kSteps[] = {
      {"incr a", ":1", "incrby a"},
      {"incrby a 41", ":42", "incrby a"},
      {"decr a", ":41", "incrby a"},
      {"decrby a -9", ":50", "incrby a"},
      {"incrby a x", kNotInteger},
      {"decrby a -9223372036854775808", "-ERR decrement would overflow"},
      {"set a 9223372036854775807", "+OK", "set a"},
      {"incr a", "-ERR increment or decrement would overflow"},
      {"set a ' 1'", "+OK", "set a", "set a  1"},
      {"incr a", kNotInteger},
      {"incr l", kWrongType},
      {"append b 1", ":1", "append b"},
      {"append b 0", ":2", "append b"},
      {"incr b", ":11", "incrby b"},
      {"incrbyfloat b 1.5", "$4 12.5", "incrbyfloat b", "SET b 12.5 KEEPTTL"},
      {"incrbyfloat b -2.5", "$2 10", "incrbyfloat b", "SET b 10 KEEPTTL"},
      {"incrbyfloat new 3.0e3", "$4 3000", "incrbyfloat new", "SET new 3000 KEEPTTL"},
      {"incrbyfloat b x", "-ERR value is not a valid float"},
      {"incrbyfloat b inf", "-ERR increment would produce NaN or Infinity"},
      {"incrbyfloat b 1e4933", "-ERR value is not a valid float"},
      {"incrbyfloat a 1", "-ERR value is not a valid float"},
      {"incrbyfloat l 1", kWrongType},
  };
  t.play(kSteps);
}

TEST_F(StringCommands, PartsOfStrings) {
  constexpr Step kSteps[] = {
      {"append a hello", ":5", "append a"},
      {"append a ' world'", ":11", "append a", "append a  world"},
      {"getrange a 0 -1", "$11 hello world"},
      {"getrange a -5 -1", "$5 world"},
      {"getrange a 3 2", "$0 "},
      {"getrange a -1 -5", "$0 "},
      {"getrange a 0 -100", "$1 h"},
      {"substr a 6 99", "$5 world"},
      {"getrange a 99 100", "$0 "},
      {"getrange nokey 0 1", "$0 "},
      {"getrange a x 1", kNotInteger},
      {"getrange l 0 1", kWrongType},
      {"setrange a 6 W", ":11", "setrange a"},
      {"setrange b 3 x", ":4", "setrange b"},
      {"strlen b", ":4"},
      {"setrange nokey 5 ''", ":0"},
      {"setrange a 5 ''", ":11"},
      {"setrange a -1 x", "-ERR offset is out of range"},
      {"setrange l -1 x", "-ERR offset is out of range"},
      {"setrange l 0 x", kWrongType},
      {"setrange a 9223372036854775807 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
      {"setrange a 1048576 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
      {"setrange a 1048575 x", ":1048576", "setrange a"},
      {"append a x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
  };
  t.play(kSteps);
  EXPECT_EQ(t.run("getrange b 0 2").reply, std::string("$3 \0\0\0", 6));
}

}  // namespace
}  // namespace vigil::commands
