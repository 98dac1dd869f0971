#include "persistence/aof_reader.h"

#include <gtest/gtest.h>

#include "persistence/aof_increment.h"
#include "persistence/aof_log_tail.h"
#include "persistence/memory_files.h"
#include "persistence/select_scanner.h"
#include "wire/resp_writer.h"

namespace vigil::persistence {
namespace {

const std::string kHistory(40, 'a');

std::string record(std::initializer_list<std::string_view> words) {
  std::string text;
  wire::encodeCommand(words, text);
  return text;
}

class AofReaderTest : public testing::Test {
 protected:
  // A file as the writer makes it: one mark behind each batch.
  void write(std::initializer_list<std::string> batches, oplog::Offset offset = 100, int db = 0) {
    AofIncrement increment = open();
    ASSERT_TRUE(increment.writeHead({kHistory, offset, db}));
    for (const std::string& batch : batches) append(increment, batch);
  }
  AofIncrement open() {
    auto file = files_.open("f", FileSystem::Open::kAppendOrCreate, 0644);
    auto size = (*file)->size();
    return AofIncrement(std::move(*file), "f", *size);
  }
  Status append(AofIncrement& increment, std::string_view batch, oplog::Offset synced = 0) {
    return increment.write({&batch, 1}, increment.offset() + static_cast<oplog::Offset>(batch.size()), synced, 0);
  }
  // Every command as its words, a line each.
  std::string read(oplog::Offset limit = AofReader::kNoLimit) {
    auto file = files_.open("f", FileSystem::Open::kRead, 0644);
    AofReader reader(**file, 0, limit == AofReader::kNoLimit ? "" : kHistory, limit);
    reader.goesOnFrom(before_, beforeEnd_);
    reader.keepTail(&tail_);
    std::string text;
    while (*reader.next()) {
      for (const auto& command : reader.commands()) {
        for (auto word : command.args) text.append(word).append(" ");
        text.back() = '\n';
      }
    }
    end_ = reader.end();
    return text;
  }

  // Continues the file under this name, as after a start.
  void restart(char digit) {
    AofIncrement again = open();
    read();
    ASSERT_TRUE(end_.resumable);
    ASSERT_TRUE(again.writeHead({std::string(40, digit), end_.position.offset, -1}));
    ASSERT_TRUE(append(again, record({"SET", "of", std::string(1, digit)})));
  }

  MemoryFiles files_;
  AofFileEnd end_;
  AofLogTail tail_{1 << 20};
  oplog::History before_;  // of the file before
  oplog::Offset beforeEnd_ = 0;
};

TEST_F(AofReaderTest, AWholeFileResumesItsHistory) {
  const std::string first = record({"SET", "a", "1"}), second = record({"SELECT", "7"}) + record({"DEL", "a"});
  write({first, second}, 100, 3);
  EXPECT_EQ(read(), "SELECT 3\nSET a 1\nSELECT 7\nDEL a\n");
  EXPECT_EQ(end_.kind, AofFileEnd::Kind::kWhole);
  ASSERT_TRUE(end_.resumable);
  EXPECT_EQ(end_.position.history, kHistory);
  EXPECT_EQ(end_.position.offset, 100 + static_cast<oplog::Offset>(first.size() + second.size()));
  EXPECT_EQ(end_.position.db, 7);
}

TEST_F(AofReaderTest, AHeadAloneResumesToo) {
  write({}, 42, 0);
  EXPECT_EQ(read(), "SELECT 0\n");
  EXPECT_TRUE(end_.resumable);
  EXPECT_EQ(end_.position.offset, 42);
}

TEST_F(AofReaderTest, WhatSomebodyElseAppendedIsLoadedAndStartsANewHistory) {
  write({record({"SET", "a", "1"})});
  files_["f"] += record({"SELECT", "0"}) + record({"SET", "b", "2"});
  EXPECT_EQ(read(), "SELECT 0\nSET a 1\nSELECT 0\nSET b 2\n");
  EXPECT_EQ(end_.kind, AofFileEnd::Kind::kWhole);
  EXPECT_FALSE(end_.resumable);
  AofIncrement again = open();  // as after the next start
  ASSERT_TRUE(again.writeHead({std::string(40, 'b'), 7, -1}));
  ASSERT_TRUE(append(again, record({"SELECT", "0"}) + record({"SET", "c", "3"})));
  EXPECT_EQ(read(), "SELECT 0\nSET a 1\nSELECT 0\nSET b 2\nSELECT 0\nSET c 3\n");
  EXPECT_TRUE(end_.resumable);
  EXPECT_EQ(end_.position.history, std::string(40, 'b'));
}

TEST_F(AofReaderTest, AFileCutAnywhereGivesAPrefixOfWholeUnits) {
  write({record({"SET", "a", "1"}),
         record({"MULTI"}) + record({"SET", "b", "2"}) + record({"SET", "c", "3"}) + record({"EXEC"}),
         record({"SET", "d", "4"})});
  const std::string whole = files_["f"];
  const std::string commands[] = {"", "SELECT 0\n", "SELECT 0\nSET a 1\n", "SELECT 0\nSET a 1\nSET b 2\nSET c 3\n",
                                  "SELECT 0\nSET a 1\nSET b 2\nSET c 3\nSET d 4\n"};
  for (size_t size = 0; size <= whole.size(); ++size) {
    files_["f"] = whole.substr(0, size);
    const std::string got = read();
    EXPECT_NE(std::find(std::begin(commands), std::end(commands), got), std::end(commands)) << size << ": " << got;
    EXPECT_NE(end_.kind, AofFileEnd::Kind::kDamaged) << size;
    EXPECT_LE(end_.validTo, size);
    // Cut there, it is whole, and holds the same.
    files_["f"].resize(end_.validTo);
    EXPECT_EQ(read(), got);
    EXPECT_EQ(end_.kind, AofFileEnd::Kind::kWhole) << size;
  }
}

// What a kill leaves of a write that was under way: the history goes on behind its last whole unit.
TEST_F(AofReaderTest, AFileCutInsideAWriteResumesItsHistory) {
  const std::string first = record({"SET", "a", "1"});
  const std::string inDb0 = record({"SET", "b", "2"}), inDb3 = inDb0 + record({"SELECT", "3"});
  const std::string all = inDb3 + record({"MULTI"}) + record({"SELECT", "5"}) + record({"SET", "c", "3"}) + record({"EXEC"});
  write({first, all}, 100, 0);
  const std::string whole = files_["f"];
  const size_t begin = whole.find(all);
  for (size_t size = begin + 1; size < whole.size(); ++size) {
    files_["f"] = whole.substr(0, size);
    read();
    if (end_.kind == AofFileEnd::Kind::kWhole) continue;
    ASSERT_TRUE(end_.resumable) << size;
    EXPECT_EQ(end_.position.history, kHistory);
    const size_t kept = std::min(end_.validTo - begin, all.size());
    EXPECT_EQ(end_.position.offset, 100 + static_cast<oplog::Offset>(first.size() + kept));
    EXPECT_EQ(tail_.end(), end_.position.offset);
    EXPECT_EQ(end_.position.db, kept < inDb3.size() ? 0 : kept < all.size() ? 3 : 5) << size;
  }
}

TEST_F(AofReaderTest, WhatRedisServerAppendedIsNotOursAlsoIfItIsCut) {
  write({record({"SET", "a", "1"})});
  files_["f"] += record({"SELECT", "0"}) + record({"SET", "b", "2"}) + "*3\r\n$3\r\nSET";
  EXPECT_EQ(read(), "SELECT 0\nSET a 1\nSELECT 0\nSET b 2\n");
  EXPECT_EQ(end_.kind, AofFileEnd::Kind::kTruncated);
  EXPECT_FALSE(end_.resumable);
}

TEST_F(AofReaderTest, RemembersTheHistoriesThatItWentThrough) {
  write({record({"SET", "a", "1"})}, 100, -1);
  const oplog::Offset first = 100 + static_cast<oplog::Offset>(record({"SET", "a", "1"}).size());
  restart('b');
  restart('c');
  read();
  ASSERT_TRUE(end_.resumable);
  EXPECT_EQ(end_.history.id, std::string(40, 'c'));
  EXPECT_EQ(end_.history.endOf(kHistory), first + 1);
  EXPECT_EQ(end_.history.endOf(std::string(40, 'b')),
            first + 1 + static_cast<oplog::Offset>(record({"SET", "of", "b"}).size()));
  // The file before may have ended where this one begins, or not.
  before_ = oplog::History{.id = std::string(40, '9')};
  beforeEnd_ = 100;
  read();
  EXPECT_EQ(end_.history.endOf(std::string(40, '9')), 101);
  beforeEnd_ = 99;
  read();
  EXPECT_FALSE(end_.history.endOf(std::string(40, '9')));
  EXPECT_TRUE(end_.history.endOf(kHistory));
}

TEST_F(AofReaderTest, WhatSomebodyElseAppendedEndsTheHistoriesBeforeIt) {
  write({}, 0, -1);
  files_["f"] += record({"SELECT", "0"}) + record({"SET", "b", "2"});
  AofIncrement again = open();
  ASSERT_TRUE(again.writeHead({std::string(40, 'b'), 0, -1}));  // at the same offset by chance
  read();
  ASSERT_TRUE(end_.resumable);
  EXPECT_FALSE(end_.history.endOf(kHistory));
}

TEST_F(AofReaderTest, DamageBelowADurableOffsetIsDamage) {
  const std::string first = record({"SET", "a", "1111"}), second = record({"SET", "b", "2222"});
  AofIncrement increment = open();
  ASSERT_TRUE(increment.writeHead({kHistory, 0, -1}));
  ASSERT_TRUE(append(increment, first));
  ASSERT_TRUE(append(increment, second, static_cast<oplog::Offset>(first.size())));
  std::string whole = files_["f"];
  files_["f"][whole.find("1111")] = 'X';
  EXPECT_EQ(read(), "");
  EXPECT_EQ(end_.kind, AofFileEnd::Kind::kDamaged);
  EXPECT_FALSE(end_.tornTail);
  // The same in what was never known to be durable: a crash may tear it.
  files_["f"] = whole;
  files_["f"][whole.find("2222")] = '\0';
  EXPECT_EQ(read(), "SET a 1111\n");
  EXPECT_EQ(end_.kind, AofFileEnd::Kind::kDamaged);
  EXPECT_TRUE(end_.tornTail);
  EXPECT_EQ(end_.validTo, whole.find("*3", whole.find("1111")));
  EXPECT_TRUE(end_.resumable);
  EXPECT_EQ(end_.position.offset, static_cast<oplog::Offset>(first.size()));
}

TEST_F(AofReaderTest, BytesThatAreNoCommandAreRefusedWithTheirPlace) {
  files_["f"] = record({"SET", "a", "1"}) + "!" + record({"SET", "b", "2"});
  EXPECT_EQ(read(), "SET a 1\n");
  EXPECT_EQ(end_.kind, AofFileEnd::Kind::kDamaged);
  EXPECT_FALSE(end_.tornTail);
  EXPECT_EQ(end_.damagedAt, record({"SET", "a", "1"}).size());
  for (const char* hostile : {"*0\r\n", "*x\r\n", "*1\r\n+OK\r\n", "*1\r\n$3\r\nSETxx", "#" /* and no end */}) {
    files_["f"] = hostile;
    if (hostile[0] == '#') files_["f"].append(2000, 'x');
    read();
    EXPECT_EQ(end_.kind, AofFileEnd::Kind::kDamaged) << hostile;
  }
  files_["f"] = "*3\r\n$99999999999999999\r\n";
  read();
  EXPECT_EQ(end_.kind, AofFileEnd::Kind::kTruncated) << "no memory is taken for what the file does not hold";
}

TEST_F(AofReaderTest, EditedByHandIsLoadedAsItIs) {
  write({record({"SET", "a", "1"}) + record({"FLUSHALL"}), record({"SET", "b", "2"})});
  std::string& text = files_["f"];
  text.erase(text.find(record({"FLUSHALL"})), record({"FLUSHALL"}).size());
  EXPECT_EQ(read(), "SELECT 0\nSET a 1\nSET b 2\n");
  EXPECT_TRUE(end_.edited);
  EXPECT_FALSE(end_.resumable);
}

TEST_F(AofReaderTest, StopsWhereTheNextFileGoesOn) {
  const std::string first = record({"SET", "a", "1"}), second = record({"SET", "b", "2"});
  write({first, second}, 0, -1);
  EXPECT_EQ(read(static_cast<oplog::Offset>(first.size())), "SET a 1\n");
}

TEST_F(AofReaderTest, LongUnitsAndManyBatchesGoThroughTheBuffer) {
  std::string expected, big(3 << 20, 'x');
  AofIncrement increment = open();
  ASSERT_TRUE(increment.writeHead({kHistory, 0, -1}));
  for (int i = 0; i < 3000; ++i) {
    std::string batch;
    for (int k = 0; k < 20; ++k) {
      const std::string key = std::to_string(i * 20 + k), value = i % 1000 == 999 && k == 0 ? big : key + key;
      batch += record({"SET", key, value});
      expected += "SET " + key + " " + value + "\n";
    }
    ASSERT_TRUE(append(increment, batch));
  }
  EXPECT_TRUE(read() == expected);
  EXPECT_TRUE(end_.resumable);
}

TEST_F(AofReaderTest, AWriteThatFailsLeavesNothingBehind) {
  AofIncrement increment = open();
  ASSERT_TRUE(increment.writeHead({kHistory, 0, -1}));
  ASSERT_TRUE(append(increment, record({"SET", "a", "1"})));
  for (size_t room : {0u, 1u, 30u, 40u}) {
    files_.room = room;
    files_.failTruncate = room == 30;
    EXPECT_EQ(append(increment, record({"SET", "b", "2222222222"})).error().code, ENOSPC);
    files_.failTruncate = false;
    if (room != 30) {
      EXPECT_EQ(read(), "SET a 1\n");
    }
  }
  files_.room = SIZE_MAX;
  ASSERT_TRUE(append(increment, record({"SET", "c", "3"})));
  EXPECT_EQ(read(), "SET a 1\nSET c 3\n");
  EXPECT_TRUE(end_.resumable);
}

TEST(SelectScanner, FindsTheSelectedDatabaseInAnyPieces) {
  const std::string stream = record({"SELECT", "5"}) +
                             record({"SET", "$6\r\nSELECT\r\n$1\r\n9\r\n", "*2\r\n$6\r\nSELECT\r\n"}) +
                             record({"select", "12"}) + record({"PING"});
  for (size_t piece = 1; piece < stream.size(); ++piece) {
    SelectScanner scanner;
    for (size_t at = 0; at < stream.size(); at += piece) scanner.feed(std::string_view(stream).substr(at, piece));
    EXPECT_EQ(scanner.db(), 12);
  }
}

}  // namespace
}  // namespace vigil::persistence
