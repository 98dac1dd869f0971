#include "replication/psync.h"

#include <gtest/gtest.h>

namespace vigil::replication {
namespace {

std::string id(char digit) { return std::string(40, digit); }

// Where the log holds offsets 100 to 500, of 'c', which continued 'b' at 400, which continued 'a' at 300.
class PsyncTest : public testing::Test {
 protected:
  PsyncDecision ask(std::string_view name, oplog::Offset wireOffset) {
    return decidePsync(history_, 100, 500, true, "10.0.0.1:6379", name, wireOffset);
  }
  // Up to which offset of the wire a history's name is good, 0: not at all.
  oplog::Offset goodUpTo(std::string_view name) {
    oplog::Offset last = 0;
    for (oplog::Offset wire = 101; wire <= 600; ++wire) {
      const PsyncDecision decision = ask(name, wire);
      EXPECT_TRUE(!decision.partial || decision.from == wire - 1);
      if (decision.partial) last = wire;
    }
    return last;
  }

  oplog::History history_ = oplog::History{.id = id('a')}.continuedAs(id('b'), 300).continuedAs(id('c'), 400);
};

TEST_F(PsyncTest, EachHistoryIsGoodUpToItsEnd) {
  EXPECT_EQ(goodUpTo(id('c')), 501);
  EXPECT_EQ(goodUpTo(id('b')), 401);
  EXPECT_EQ(goodUpTo(id('a')), 301);
  EXPECT_EQ(goodUpTo(id('A')), 301);
  EXPECT_EQ(goodUpTo(id('d')), 0);
  EXPECT_EQ(goodUpTo(id('0')), 0) << "the id of no previous history names none";
}

TEST_F(PsyncTest, TheReasonsOfRefusalsAreRedissWords) {
  EXPECT_EQ(ask("?", -1).reason, "");
  EXPECT_NE(ask(id('d'), 200).reason.find("Replication ID mismatch"), std::string::npos);
  EXPECT_EQ(ask(id('b'), 402).reason,
            "Partial resynchronization not accepted: Requested offset for second ID was 402, but I can reply up to 401");
  EXPECT_NE(ask(id('c'), 100).reason.find("for lack of backlog"), std::string::npos);
  EXPECT_NE(ask(id('c'), 502).reason.find("greater than the master replication offset"), std::string::npos);
}

TEST_F(PsyncTest, NotAllOldHistoriesAreRemembered) {
  oplog::History history{.id = id('0')};
  for (size_t i = 1; i <= 2 * oplog::History::kMaxOlder; ++i) {
    history = history.continuedAs(std::string(39, 'f') + static_cast<char>('a' + i), static_cast<oplog::Offset>(i));
  }
  EXPECT_EQ(history.older.size(), oplog::History::kMaxOlder);
  EXPECT_FALSE(history.endOf(id('0')));
}

}  // namespace
}  // namespace vigil::replication
