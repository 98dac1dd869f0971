#include "persistence/rdb_save.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "persistence/rdb_test_tools.h"

namespace vigil::persistence {
namespace {

keyspace::Keyspace::Options small() { return {.shards = 8, .databases = 4}; }

class RdbSaveTest : public testing::Test {
 protected:
  keyspace::Keyspace keyspace{small()};
  ManualExecutor executor;
  MemoryOutput output;
  std::optional<Status> ended;
  int parked = 0;
  int drained = 0;

  keyspace::Database db(int index) {
    keyspace::Database database(keyspace, index);
    database.prepare(1000, keyspace::ExpiryMode::kDelete, nullptr, true);
    return database;
  }
  void set(int index, const std::string& key, const std::string& value, UnixMs expireAt = 0) {
    auto database = db(index);
    database.setString(database.ref(key), value, keyspace::Database::Ttl::kClear, expireAt);
  }
  std::shared_ptr<RdbSave> makeSave(const RdbSaveOptions& options = {}) {
    return std::make_shared<RdbSave>(
        executor, std::make_unique<MemoryTarget>(output), keyspace.shardCount(), options,
        RdbFlow{.drained = [this] { ++drained; }, .overBound = [this](bool over) { parked += over ? 1 : -1; }},
        [this](Status status) { ended = std::move(status); });
  }
  std::unique_ptr<keyspace::Snapshot> begin(RdbSave& save) {
    auto snapshot = keyspace.beginSnapshot(save);
    RdbHeader header = makeRdbHeader({.redisVersion = "7.2.4"});
    header.databases = snapshot->databases();
    save.begin(std::move(header));
    return snapshot;
  }
  std::map<std::string, std::string> loaded(std::string_view bytes) {
    keyspace::Keyspace target(small());
    RdbLoader loader(target, {.now = 0});
    EXPECT_EQ(loadPieces(loader, bytes, 5000), std::nullopt);
    return contents(target);
  }
  void fillAll() {
    std::mt19937_64 random(3);
    for (int i = 0; i < 2000; ++i) {
      set(i % 3, "key" + std::to_string(i), std::string(random() % 60, static_cast<char>('a' + random() % 26)),
          i % 5 == 0 ? 5000 + i : 0);
    }
    set(0, "number", "-123456789012");
    set(0, std::string(1000, 'k'), "wide key");
    set(1, "large", std::string(300'000, 'z') + std::to_string(random()));
    auto database = db(2);
    auto& list = database.addList(database.ref("list"));
    for (int i = 0; i < 5000; ++i) list.pushBack(i % 4 == 0 ? std::to_string(i) : "element" + std::to_string(random()));
    list.pushBack(std::string(20'000, 'p'));
    list.pushBack("last");
  }
};

TEST_F(RdbSaveTest, WhatIsSavedIsLoadedAgain) {
  fillAll();
  for (bool compress : {true, false}) {
    EXPECT_EQ(loaded(saved(keyspace, {.write = {.compress = compress}})), contents(keyspace));
  }
  EXPECT_EQ(saved(keyspace, {.write = {.checksum = false}}).substr(0, 9), "REDIS0010");
}

TEST_F(RdbSaveTest, HoldsTheMomentOfItsBeginningWhileWritersGoOn) {
  fillAll();
  const auto before = contents(keyspace);
  auto save = makeSave();
  auto snapshot = begin(*save);
  std::mt19937_64 random(7);
  for (size_t shard = 0; shard < keyspace.shardCount(); ++shard) {
    for (int round = 0; !snapshot->step(shard, 1); ++round) {
      const std::string key = "key" + std::to_string(random() % 2500);
      auto database = db(static_cast<int>(random() % 3));
      random() % 3 == 0 ? (void)database.erase(database.ref(key)) : set(database.index(), key, "changed");
      auto lists = db(2);
      if (auto* entry = lists.findForWrite(lists.ref("list"))) entry->list().set(random() % 5000, "changed");
      auto large = db(1);
      large.appendString(large.ref("large"), "tail");
      if (round % 16 == 0) executor.runAll();
    }
  }
  executor.runAll();
  ASSERT_TRUE(ended.has_value());
  EXPECT_TRUE(ended->has_value());
  EXPECT_TRUE(output.finished);
  EXPECT_EQ(loaded(output.bytes), before);
}

TEST_F(RdbSaveTest, AnEmptyKeyspaceGivesAFileWithoutKeys) { EXPECT_TRUE(loaded(saved(keyspace)).empty()); }

TEST_F(RdbSaveTest, TheWalkRestsWhileTooMuchWaitsAndIsWoken) {
  for (int i = 0; i < 20'000; ++i) set(0, "key" + std::to_string(i), std::string(100, 'v'));
  auto save = makeSave({.walkBytes = 200'000, .parkBytes = 10'000'000});
  auto snapshot = begin(*save);
  bool rested = false;
  for (size_t shard = 0; shard < keyspace.shardCount(); ++shard) {
    while (!snapshot->step(shard, 16)) {
      if (save->ready()) continue;
      rested = true;
      const int before = drained;
      executor.runAll();
      EXPECT_EQ(drained, before + 1);
      EXPECT_TRUE(save->ready());
    }
  }
  EXPECT_TRUE(rested);
  EXPECT_EQ(parked, 0);
  executor.runAll();
  EXPECT_EQ(loaded(output.bytes).size(), 20'000u);
}

TEST_F(RdbSaveTest, WritersOverTheBoundAreParkedUntilThereIsRoom) {
  for (int i = 0; i < 20'000; ++i) set(0, "key" + std::to_string(i), std::string(100, 'v'));
  auto save = makeSave({.walkBytes = 100'000, .parkBytes = 500'000});
  auto snapshot = begin(*save);
  for (int i = 0; i < 20'000; ++i) set(0, "key" + std::to_string(i), "changed");
  EXPECT_EQ(parked, 1);
  executor.runAll();
  EXPECT_EQ(parked, 0);
  for (size_t shard = 0; shard < keyspace.shardCount(); ++shard) {
    while (!snapshot->step(shard, 64)) executor.runAll();
  }
  executor.runAll();
  EXPECT_EQ(loaded(output.bytes).at("0/key7"), "0 text " + std::string(100, 'v'));
}

TEST_F(RdbSaveTest, AFailedTargetIsAbandonedAndTheCauseReported) {
  fillAll();
  output.failAfter = 1000;
  auto save = makeSave();
  auto snapshot = begin(*save);
  for (size_t shard = 0; shard < keyspace.shardCount(); ++shard) {
    while (!snapshot->step(shard, 64)) executor.runAll();
  }
  executor.runAll();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->error().message, "No space left on device");
  EXPECT_TRUE(output.abandoned);
  EXPECT_FALSE(output.finished);
}

TEST_F(RdbSaveTest, CancellingAbandonsTheTarget) {
  fillAll();
  auto save = makeSave();
  auto snapshot = begin(*save);
  snapshot->step(0, 2);
  snapshot.reset();
  save->cancel("cancelled");
  executor.runAll();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->error().message, "cancelled");
  EXPECT_TRUE(output.abandoned);
}

TEST_F(RdbSaveTest, SavesHowOftenKeysAreUsed) {
  keyspace::Keyspace lfu({.shards = 2, .access = {.lfu = true}});
  keyspace::Database database(lfu, 0);
  database.prepare(1'000'000'000, keyspace::ExpiryMode::kDelete, nullptr, true);
  database.setString(database.ref("a"), "b");
  database.findForWrite(database.ref("a"))->setAccess(keyspace::lfuPack(1'000'000'000, 99));
  keyspace::Keyspace target({.shards = 2, .access = {.lfu = true}});
  RdbLoader loader(target, {.now = 1'000'000'000});
  EXPECT_EQ(loadPieces(loader, saved(lfu, {.access = lfu.accessPolicy(), .now = 1'000'000'000}), 1000), std::nullopt);
  keyspace::Database other(target, 0);
  other.prepare(0, keyspace::ExpiryMode::kIgnore, nullptr, false);
  EXPECT_EQ(other.peek(other.ref("a"))->access() & 0xff, 99u);
}

TEST_F(RdbSaveTest, WritesTheAuxFieldsOfRedis) {
  const std::string bytes = saved(keyspace, {},
                                  {.redisVersion = "7.2.4",
                                   .created = 1'700'000'000,
                                   .usedMemory = 1'000'000,
                                   .replication = true,
                                   .streamDb = 3,
                                   .replicationId = "0123456789012345678901234567890123456789",
                                   .replicationOffset = 987654321,
                                   .aofBase = true});
  RdbLoader loader(keyspace, {});
  EXPECT_EQ(loadPieces(loader, bytes, 1000), std::nullopt);
  EXPECT_EQ(loader.aux().redisVersion, "7.2.4");
  EXPECT_EQ(loader.aux().created, 1'700'000'000);
  EXPECT_EQ(loader.aux().usedMemory, 1'000'000);
  EXPECT_EQ(loader.aux().streamDb, 3);
  EXPECT_EQ(loader.aux().replicationId, "0123456789012345678901234567890123456789");
  EXPECT_EQ(loader.aux().replicationOffset, 987654321);
  EXPECT_TRUE(loader.aux().aofBase);
}

}  // namespace
}  // namespace vigil::persistence
