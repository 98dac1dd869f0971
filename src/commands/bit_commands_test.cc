#include <gtest/gtest.h>

#include <string>

#include "commands/string_access.h"
#include "commands/string_commands.h"
#include "commands/transcript.h"

namespace vigil::commands {
namespace {

// The expected replies and events are those of redis-server 7.0.
class BitCommands : public ::testing::Test {
 protected:
  BitCommands() {
    for (auto rows :
         {stringReadCommands(), stringSetCommands(), bitCommands(), bitfieldCommands(), stringLcsCommands()}) {
      t.add(rows, &limits);
    }
    t.db().addList(t.db().ref("l"));
  }
  std::atomic<uint64_t> maxBulk{1 << 20};
  StringLimits limits{maxBulk};
  Transcript t;
};

constexpr std::string_view kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr std::string_view kNotInteger = "-ERR value is not an integer or out of range";
constexpr std::string_view kSyntax = "-ERR syntax error";
constexpr std::string_view kOffset = "-ERR bit offset is not an integer or out of range";

TEST_F(BitCommands, SingleBits) {
  constexpr Step kSteps[] = {
      {"setbit b 7 1", ":0", "setbit b"},
      {"setbit b 7 1", ":1"},
      {"setbit b 2 0", ":0"},
      {"setbit b 7 0", ":1", "setbit b"},
      {"setbit b 100 0", ":0", "setbit b"},
      {"strlen b", ":13"},
      {"set n 12", "+OK", "set n"},
      {"setbit n 0 1", ":0", "setbit n"},
      {"getbit n 0", ":1"},
      {"getbit n 1", ":0"},
      {"getbit n 100000", ":0"},
      {"getbit nokey 0", ":0"},
      {"setbit b -1 1", kOffset},
      {"setbit b 8388608 1", kOffset},
      {"setbit b x 1", kOffset},
      {"setbit b 1 2", "-ERR bit is not an integer or out of range"},
      {"setbit l 0 2", "-ERR bit is not an integer or out of range"},
      {"setbit l 0 1", kWrongType},
      {"getbit l 0", kWrongType},
      {"getbit b 8388608", kOffset},
  };
  t.play(kSteps);
}

TEST_F(BitCommands, Counting) {
  constexpr Step kSteps[] = {
      {"set s foobar", "+OK", "set s"},
      {"bitcount s", ":26"},
      {"bitcount s 0 0", ":4"},
      {"bitcount s 1 1 BYTE", ":6"},
      {"bitcount s 5 30 bit", ":17"},
      {"bitcount s -2 -1", ":7"},
      {"bitcount s -1 -2", ":0"},
      {"bitcount s 99 100", ":0"},
      {"bitcount s 0", kSyntax},
      {"bitcount s 0 1 x", kSyntax},
      {"bitcount s 0 1 bit x", kSyntax},
      {"bitcount s x y", kNotInteger},
      {"bitcount nokey x y", ":0"},
      {"bitcount l", kWrongType},
      {"bitpos s 1", ":1"},
      {"bitpos s 0", ":0"},
      {"bitpos s 1 2", ":17"},
      {"bitpos s 1 2 2 bit", ":2"},
      {"bitpos s 0 -1", ":40"},
      {"bitpos s 2", "-ERR The bit argument must be 1 or 0."},
      {"bitpos s x", kNotInteger},
      {"bitpos nokey 0", ":0"},
      {"bitpos nokey 1 x", ":-1"},
      {"bitpos s 1 0 1 2", kSyntax},
      {"bitpos s 1 0 1 bit 3", kSyntax},
      {"bitpos l 1", kWrongType},
      {"set ones \"\\xff\\xff\"", "+OK", "set ones", "set ones \xff\xff"},
      {"bitpos ones 0", ":16"},
      {"bitpos ones 0 0 -1", ":-1"},
      {"bitpos ones 0 0 8 bit", ":-1"},
  };
  t.play(kSteps);
}

TEST_F(BitCommands, Operations) {
  constexpr Step kSteps[] = {
      {"mset a abc b bbbdd", "+OK", "set a, set b"},
      {"bitop and d a b", ":5", "set d"},
      {"bitop or e a b nokey", ":5", "set e"},
      {"get e", "$5 cbcdd"},
      {"bitop xor f a a", ":3", "set f"},
      {"bitcount f", ":0"},
      {"bitop not g a", ":3", "set g"},
      {"bitop xor h g a", ":3", "set h"},
      {"bitcount h", ":24"},
      {"bitop and d nokey", ":0", "del d"},
      {"bitop and d nokey", ":0"},
      {"bitop foo d a", kSyntax},
      {"bitop not d a b", "-ERR BITOP NOT must be called with a single source key."},
      {"bitop and d a l", kWrongType},
  };
  t.play(kSteps);
  EXPECT_EQ(t.run("bitop and d a b").reply, ":5");
  EXPECT_EQ(t.run("get d").reply, std::string("$5 `bb\0\0", 8));
}

TEST_F(BitCommands, Fields) {
  constexpr Step kSteps[] = {
      {"bitfield f incrby i5 100 1 get u4 0", "*2 :1 :0", "setbit f"},
      {"strlen f", ":14"},
      {"bitfield f set u8 0 255 get i8 0 get u4 4", "*3 :0 :-1 :15", "setbit f"},
      {"bitfield f set u8 0 255", "*1 :255"},
      {"bitfield f overflow sat incrby u8 0 10 overflow wrap incrby u8 0 10", "*2 :255 :9", "setbit f"},
      {"bitfield f overflow fail incrby u8 0 250", "*1 $-1"},
      {"bitfield nokey overflow fail set u8 0 300", "*1 $-1"},
      {"bitfield f overflow sat set i8 #1 -300 get i8 8", "*2 :0 :-128", "setbit f"},
      {"bitfield f set i64 0 -1 get i64 0 get u63 0", "*3 :684547143360315392 :-1 :9223372036854775807", "setbit f"},
      {"bitfield f incrby i64 0 9223372036854775807", "*1 :9223372036854775806", "setbit f"},
      {"bitfield f overflow sat incrby i64 0 9223372036854775807", "*1 :9223372036854775807", "setbit f"},
      {"bitfield f", "*0"},
      {"bitfield nokey get u8 0 overflow fail", "*1 :0"},
      {"bitfield f get u64 0",
       "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."},
      {"bitfield f get i65 0",
       "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."},
      {"bitfield f get u63 x", kOffset},
      {"bitfield f get u8 #", kOffset},
      {"bitfield f get u8 #9223372036854775807", kOffset},
      {"bitfield f overflow x", "-ERR Invalid OVERFLOW type specified"},
      {"bitfield f overflow", kSyntax},
      {"bitfield f set u8 0", kSyntax},
      {"bitfield f set u8 0 x", kNotInteger},
      {"bitfield f foo", kSyntax},
      {"bitfield l get u8 0", kWrongType},
      {"bitfield_ro f get u8 0", "*1 :127"},
      {"bitfield_ro f set u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand"},
  };
  t.play(kSteps);
}

TEST_F(BitCommands, LongestCommonSubsequence) {
  constexpr Step kSteps[] = {
      {"mset x ohmytext y mynewtext", "+OK", "set x, set y"},
      {"lcs x y", "$6 mytext"},
      {"lcs x y len", ":6"},
      {"lcs x y idx", "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6"},
      {"lcs x y idx minmatchlen 4 withmatchlen", "*4 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6"},
      {"lcs x y idx len", "-ERR If you want both the length and indexes, please just use IDX."},
      {"lcs x y foo", kSyntax},
      {"lcs x l", "-ERR The specified keys must contain string values"},
      {"lcs x nokey", "$0 "},
      {"lcs x nokey idx", "*4 $7 matches *0 $3 len :0"},
      {"lcs x y minmatchlen", kSyntax},
      {"lcs x y minmatchlen x", kNotInteger},
  };
  t.play(kSteps);
  t.run("setbit x 16000 1");
  t.run("setbit y 16000 1");
  EXPECT_EQ(t.run("lcs x y").reply, "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
}

}  // namespace
}  // namespace vigil::commands
