#include "commands/list_commands.h"

#include <gtest/gtest.h>

#include "commands/list_options.h"
#include "commands/transcript.h"

namespace vigil::commands {
namespace {

// The expected replies, events and log records are those of redis-server 7.0.
class ListCommands : public ::testing::Test {
 protected:
  ListCommands() {
    t.add(listPushPopCommands(), &options);
    t.add(listRangeCommands(), &options);
    t.add(listEditCommands(), &options);
    t.add(listMoveCommands(), &options);
    t.add(listPopAnyCommands(), &options);
    t.db().setString(t.db().ref("s"), "text");
  }

  Transcript t;
  ListOptions options;
};

TEST_F(ListCommands, PushAndPop) {
  constexpr Step kSteps[] = {
      {"lpush l b a", ":2", "lpush l"},
      {"rpush l c d", ":4", "rpush l"},
      {"lpushx l z", ":5", "lpush l"},
      {"rpushx l 7", ":6", "rpush l"},
      {"lpushx nokey a", ":0"},
      {"rpushx nokey a", ":0"},
      {"lrange l 0 -1", "*6 $1 z $1 a $1 b $1 c $1 d $1 7"},
      {"llen l", ":6"},
      {"llen nokey", ":0"},
      {"lpush s x", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"rpushx s x", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"llen s", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"lpop l", "$1 z", "lpop l"},
      {"rpop l", "$1 7", "rpop l"},
      {"lpop l 0", "*0"},
      {"lpop l 2", "*2 $1 a $1 b", "lpop l"},
      {"rpop l 99", "*2 $1 d $1 c", "rpop l, del l"},
      {"lpop l", "$-1"},
      {"lpop l 2", "*-1"},
      {"lpop l x", "-ERR value is out of range, must be positive"},
      {"lpop l -1", "-ERR value is out of range, must be positive"},
      {"lpop a b c", "-ERR wrong number of arguments for 'lpop' command"},
      {"rpop a b c", "-ERR wrong number of arguments for 'rpop' command"},
      {"rpush l 1 2 3", ":3", "rpush l"},
      {"rpop l 2", "*2 $1 3 $1 2", "rpop l"},
      {"lpop l", "$1 1", "lpop l, del l"},
      {"lpop s", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"lpop s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"lpop s x", "-ERR value is out of range, must be positive"},
  };
  t.play(kSteps);
}

TEST_F(ListCommands, Ranges) {
  constexpr Step kSteps[] = {
      {"rpush l a b c d e b", ":6", "rpush l"},
      {"lindex l 0", "$1 a"},
      {"lindex l -1", "$1 b"},
      {"lindex l 6", "$-1"},
      {"lindex l -7", "$-1"},
      {"lindex nokey x", "$-1"},
      {"lindex l x", "-ERR value is not an integer or out of range"},
      {"lindex s x", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"lrange l 1 2", "*2 $1 b $1 c"},
      {"lrange l -3 -2", "*2 $1 d $1 e"},
      {"lrange l 4 2", "*0"},
      {"lrange l 6 9", "*0"},
      {"lrange l -100 0", "*1 $1 a"},
      {"lrange nokey 0 1", "*0"},
      {"lrange s x 1", "-ERR value is not an integer or out of range"},
      {"lrange s 0 y", "-ERR value is not an integer or out of range"},
      {"lrange s 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"lpos l b", ":1"},
      {"lpos l b rank 2", ":5"},
      {"lpos l b rank -1", ":5"},
      {"lpos l b count 0", "*2 :1 :5"},
      {"lpos l b count 1", "*1 :1"},
      {"lpos l b rank -1 count 2", "*2 :5 :1"},
      {"lpos l b count 0 maxlen 2", "*1 :1"},
      {"lpos l b rank -1 maxlen 1", ":5"},
      {"lpos l b rank 3", "$-1"},
      {"lpos l b rank 3 count 0", "*0"},
      {"lpos l zz", "$-1"},
      {"lpos nokey a", "$-1"},
      {"lpos nokey a count 0", "*0"},
      {"lpos s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"lpos nokey a count -1", "-ERR COUNT can't be negative"},
      {"lpos nokey a rank 0",
       "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start "
       "from the end of the list"},
      {"lpos nokey a rank x", "-ERR value is not an integer or out of range"},
      {"lpos nokey a maxlen x", "-ERR MAXLEN can't be negative"},
      {"lpos nokey a foo 1", "-ERR syntax error"},
      {"lpos nokey a rank", "-ERR syntax error"},
      {"ltrim l 0 -1", "+OK", "ltrim l", ""},
      {"ltrim l 1 -2", "+OK", "ltrim l"},
      {"lrange l 0 -1", "*4 $1 b $1 c $1 d $1 e"},
      {"ltrim l 2 1", "+OK", "ltrim l, del l"},
      {"ltrim l 0 1", "+OK"},
      {"ltrim s x 1", "-ERR value is not an integer or out of range"},
      {"ltrim s 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
  };
  t.play(kSteps);
}

TEST_F(ListCommands, Edits) {
  constexpr Step kSteps[] = {
      {"rpush l a b a c a", ":5", "rpush l"},
      {"lset l 0 x", "+OK", "lset l"},
      {"lset l -1 5", "+OK", "lset l"},
      {"lset l 9 y", "-ERR index out of range"},
      {"lset l x y", "-ERR value is not an integer or out of range"},
      {"lset nokey x y", "-ERR no such key"},
      {"lset s 0 y", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"linsert l before b new", ":6", "linsert l"},
      {"linsert l AFTER 5 end", ":7", "linsert l"},
      {"linsert l before zz y", ":-1"},
      {"linsert l foo b y", "-ERR syntax error"},
      {"linsert nokey before b y", ":0"},
      {"linsert s before b y", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"lrange l 0 -1", "*7 $1 x $3 new $1 b $1 a $1 c $1 5 $3 end"},
      {"lrem l 1 a", ":1", "lrem l"},
      {"lrem l 0 nothing", ":0"},
      {"lrem nokey 0 a", ":0"},
      {"lrem l x a", "-ERR value is not an integer or out of range"},
      {"lrem s 0 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"rpush m a b a c a", ":5", "rpush m"},
      {"lrem m -2 a", ":2", "lrem m"},
      {"lrange m 0 -1", "*3 $1 a $1 b $1 c"},
      {"lrem m 0 a", ":1", "lrem m"},
      {"lrem m 2 b", ":1", "lrem m"},
      {"lrem m 0 c", ":1", "lrem m, del m"},
  };
  t.play(kSteps);
}

TEST_F(ListCommands, ElementsMoveBetweenLists) {
  constexpr Step kSteps[] = {
      {"rpush l a b c", ":3", "rpush l"},
      {"lmove l l left right", "$1 a", "rpush l, lpop l"},
      {"lrange l 0 -1", "*3 $1 b $1 c $1 a"},
      {"lmove l m left right", "$1 b", "rpush m, lpop l"},
      {"rpoplpush l m", "$1 a", "lpush m, rpop l"},
      {"lmove l m RIGHT LEFT", "$1 c", "lpush m, rpop l, del l"},
      {"lrange m 0 -1", "*3 $1 c $1 a $1 b"},
      {"lmove m m left left", "$1 c", "lpush m, lpop m"},
      {"lmove m m right left", "$1 b", "lpush m, rpop m"},
      {"lmove nokey m left left", "$-1"},
      {"rpoplpush nokey m", "$-1"},
      {"lmove nokey s left left", "$-1"},
      {"lmove s m left right", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"lmove m s left right", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"rpoplpush m s", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"lmove nokey m left up", "-ERR syntax error"},
      {"lmove nokey m up left", "-ERR syntax error"},
      {"brpoplpush m n 0", "$1 a", "lpush n, rpop m", "RPOPLPUSH m n"},
      {"blmove n m left right 0", "$1 a", "rpush m, lpop n, del n", "LMOVE n m left right"},
      {"blmove s m left right 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"blmove m s left right 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"blmove s m left up x", "-ERR syntax error"},
      {"blmove s m left right x", "-ERR timeout is not a float or out of range"},
      {"brpoplpush s m x", "-ERR timeout is not a float or out of range"},
      {"brpoplpush s m -1", "-ERR timeout is negative"},
      {"rpush one a", ":1", "rpush one"},
      {"rpoplpush one one", "$1 a", "lpush one, rpop one"},
  };
  t.play(kSteps);
}

TEST_F(ListCommands, TheFirstListOfSeveralIsPopped) {
  constexpr Step kSteps[] = {
      {"lmpop 2 nokey m left", "*2 $1 m *1 $1 b", "lpop m", "LPOP m 1"},
      {"lmpop 1 m right count 2", "*2 $1 m *2 $1 a $1 c", "rpop m, del m", "RPOP m 2"},
      {"lmpop 2 nokey nokey2 right count 10", "*-1"},
      {"rpush m a b c d", ":4", "rpush m"},
      {"lmpop 3 nokey s m left", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"lmpop 1 m left count 99", "*2 $1 m *4 $1 a $1 b $1 c $1 d", "lpop m, del m", "LPOP m 4"},
      {"lmpop 0 a left", "-ERR numkeys should be greater than 0"},
      {"lmpop x a left", "-ERR numkeys should be greater than 0"},
      {"lmpop 2 a left", "-ERR syntax error"},
      {"lmpop 1 a up", "-ERR syntax error"},
      {"lmpop 1 a left count 0", "-ERR count should be greater than 0"},
      {"lmpop 1 a left count x", "-ERR count should be greater than 0"},
      {"lmpop 1 a left count 1 count 1", "-ERR syntax error"},
      {"lmpop 1 a left count", "-ERR syntax error"},
      {"lmpop 9223372036854775807 a left", "-ERR syntax error"},
      {"rpush m a b c d", ":4", "rpush m"},
      {"blmpop 0 2 nokey m right count 3", "*2 $1 m *3 $1 d $1 c $1 b", "rpop m", "RPOP m 3"},
      {"blmpop 0 1 m left", "*2 $1 m *1 $1 a", "lpop m, del m", "LPOP m 1"},
      {"blmpop x 0 m left", "-ERR numkeys should be greater than 0"},
      {"blmpop x 1 s left", "-ERR timeout is not a float or out of range"},
      {"blmpop 0 1 s left", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"rpush m a b", ":2", "rpush m"},
      {"blpop nokey m 0", "*2 $1 m $1 a", "lpop m", "LPOP m"},
      {"brpop m 1.5", "*2 $1 m $1 b", "rpop m, del m", "RPOP m"},
      {"blpop s m 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"blpop s x", "-ERR timeout is not a float or out of range"},
      {"blpop s -1", "-ERR timeout is negative"},
      {"blpop s nan", "-ERR timeout is not a float or out of range"},
  };
  t.run("rpush m b c a");
  t.play(kSteps);
}

// Two texts of 7.2 that 7.0 does not have.
TEST_F(ListCommands, RangesOfNumbers) {
  constexpr Step kSteps[] = {
      {"lpos l a rank -9223372036854775808",
       "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"},
      {"lrem l -9223372036854775808 a",
       "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"},
      {"blpop l 1e300", "-ERR timeout is out of range"},
  };
  t.play(kSteps);
}

TEST_F(ListCommands, AbsentKeysBlock) {
  constexpr Step kSteps[] = {
      {"blpop a b 0", "(blocked on a b for 0 us, then null array)"},
      {"brpop a 0.0001", "(blocked on a for 1000 us, then null array)"},
      {"blmpop 1.5 2 a b left count 3", "(blocked on a b for 1500000 us, then null array)"},
      {"blmove a b left right 2", "(blocked on a for 2000000 us, then null array)"},
      {"blmove a s left right 2", "(blocked on a for 2000000 us, then null array)"},
      {"brpoplpush a b 0", "(blocked on a for 0 us, then null array)"},
  };
  t.play(kSteps);
}

TEST_F(ListCommands, WhoWaitsForAListWaitsOnWhileTheKeyHoldsSomethingElse) {
  t.setResumed(true);
  t.run("rpush l a b c");
  constexpr Step kSteps[] = {
      {"blpop s 0", "(blocked on s for 0 us, then null array)"},
      {"blmove s l left right 0", "(blocked on s for 0 us, then null array)"},
      {"blmove l s left right 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"blpop s l 0", "*2 $1 l $1 a", "lpop l", "LPOP l"},
      {"blmpop 0 2 s l right", "*2 $1 l *1 $1 c", "rpop l", "RPOP l 1"},
  };
  t.play(kSteps);
}

TEST_F(ListCommands, WhereNothingMayBlockTheTimeoutComesAtOnce) {
  t.setMayBlock(false);
  constexpr Step kSteps[] = {
      {"blpop a b 0", "*-1"},
      {"blmpop 0 1 a left", "*-1"},
      {"blmove a b left right 0", "$-1"},
      {"brpoplpush a b 0", "$-1"},
  };
  t.play(kSteps);
}

TEST_F(ListCommands, NullsOfResp3) {
  t.setProtocol(3);
  t.setMayBlock(false);
  constexpr Step kSteps[] = {
      {"lpop a", "_"}, {"lpop a 1", "_"}, {"lmpop 1 a left", "_"}, {"blpop a 0", "_"}, {"lindex a 0", "_"},
  };
  t.play(kSteps);
}

TEST_F(ListCommands, KeysThatReceiveElementsAreReady) {
  EXPECT_EQ(t.run("rpush l a b").readyKeys, "l");
  EXPECT_EQ(t.run("lmove l m left right").readyKeys, "m");
  EXPECT_EQ(t.run("lpushx l c").readyKeys, "l");
  EXPECT_EQ(t.run("lpop l").readyKeys, "");
  EXPECT_EQ(t.run("lpushx nokey c").readyKeys, "");
}

TEST_F(ListCommands, LongListsKeepTheirOrder) {
  for (int i = 0; i < 3000; ++i) t.run("rpush l element-" + std::to_string(i) + " " + std::to_string(i));
  constexpr Step kSteps[] = {
      {"llen l", ":6000"},
      {"lindex l 4000", "$12 element-2000"},
      {"lindex l -1", "$4 2999"},
      {"lpos l 2999 rank -1", ":5999"},
      {"lrange l 2998 3001", "*4 $12 element-1499 $4 1499 $12 element-1500 $4 1500"},
      {"rpop l 2", "*2 $4 2999 $12 element-2999", "rpop l"},
      {"ltrim l 5000 -1", "+OK", "ltrim l"},
      {"lrange l 0 0", "*1 $12 element-2500"},
  };
  t.play(kSteps);
}

TEST_F(ListCommands, ListsKeepTheLimitTheyWereMadeWith) {
  options.maxListpackSize = 2;
  t.run("rpush small a b c");
  options.maxListpackSize = -2;
  t.run("rpush large a b c");
  EXPECT_FALSE(t.db().find(t.db().ref("small"))->list().isSingleChunk());
  EXPECT_TRUE(t.db().find(t.db().ref("large"))->list().isSingleChunk());
}

}  // namespace
}  // namespace vigil::commands
