#include "persistence/rdb_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "persistence/memory_files.h"
#include "persistence/rdb_test_tools.h"
#include "wire/rdb_samples.h"
#include "wire/rdb_writer.h"

namespace vigil::persistence {
namespace {

using testing::HasSubstr;

class RdbLoadTest : public testing::Test {
 protected:
  keyspace::Keyspace keyspace{{.shards = 8, .databases = 4}};
  wire::RdbWriter writer;

  RdbLoadTest() { writer.header(); }
  std::string finished() {
    writer.finish();
    return writer.take();
  }
  void string(std::string_view key, std::string_view value, std::optional<int64_t> expireAt = {}) {
    wire::RdbKey rdbKey;
    rdbKey.key = key;
    rdbKey.expireAt = expireAt;
    writer.string(rdbKey, listpack::Value::ofText(value));
  }
};

TEST_F(RdbLoadTest, LoadsWhateverThePiecesAre) {
  writer.aux("redis-ver", "7.0.15");
  writer.selectDb(2);
  writer.resizeDb(100'000, 0);  // more than there are: a hint
  for (int i = 0; i < 300; ++i) string("key" + std::to_string(i), "value" + std::to_string(i * 7), i % 3 ? i : 90'000);
  string("long", std::string(2'000'000, 'x') + "y");
  string("number", "9000000000");
  string("", "");
  const std::string bytes = finished();
  std::map<std::string, std::string> whole;
  for (size_t piece : {bytes.size(), size_t{1} << 16, size_t{4096}, size_t{77}}) {
    keyspace::Keyspace target({.shards = 8, .databases = 4});
    RdbLoader loader(target, {.now = 5});
    EXPECT_EQ(loadPieces(loader, bytes, piece), std::nullopt);
    EXPECT_EQ(loader.keysLoaded() + loader.keysExpired(), 303u);
    EXPECT_EQ(loader.aux().redisVersion, "7.0.15");
    const auto all = contents(target);
    EXPECT_EQ(all.at("2/number"), "0 number 9000000000");
    EXPECT_EQ(all.at("2/key6"), "90000 text value42");
    EXPECT_EQ(all.at("2/"), "0 text ");
    if (whole.empty()) whole = all;
    EXPECT_EQ(all, whole);
    for (size_t shard = 0; shard < target.shardCount(); ++shard) target.shard(shard).table(2)->checkInvariants();
  }
}

TEST_F(RdbLoadTest, GivesBackWhatFollowsTheEnd) {
  string("a", "b");
  const std::string bytes = finished() + "+CONTINUE";
  RdbLoader loader(keyspace, {});
  std::string_view first = std::string_view(bytes).substr(0, 15);
  EXPECT_EQ(loader.feed(first), RdbLoader::State::kNeedMore);
  std::string_view rest = std::string_view(bytes).substr(15);
  EXPECT_EQ(loader.feed(rest), RdbLoader::State::kDone);
  EXPECT_EQ(rest, "+CONTINUE");
  EXPECT_EQ(loader.rest(), "+CONTINUE");
}

TEST_F(RdbLoadTest, MastersDropWhatHasExpiredReplicasKeepIt) {
  string("gone", "1", 999);
  string("stays", "1", 1000);
  string("forever", "1");
  const std::string bytes = finished();
  RdbLoader master(keyspace, {.now = 1000});
  EXPECT_EQ(loadPieces(master, bytes, 10), std::nullopt);
  EXPECT_EQ(master.keysLoaded(), 2u);
  EXPECT_EQ(master.keysExpired(), 1u);
  EXPECT_EQ(keyspace.withExpiry(0), 1u);
  keyspace::Keyspace other({.shards = 8});
  RdbLoader replica(other, {.now = 1000, .dropExpired = false});
  EXPECT_EQ(loadPieces(replica, bytes, 10), std::nullopt);
  EXPECT_EQ(other.size(0), 3u);
}

TEST_F(RdbLoadTest, LoadedKeysExpireWhenTheirTimeComes) {
  struct Listener final : keyspace::ExpiryListener {
    void onExpired(int, const keyspace::KeyRef& key) override { names.emplace_back(key.name); }
    std::vector<std::string> names;
  } listener;
  string("soon", "1", 10'000);
  string("never", "1");
  RdbLoader loader(keyspace, {.now = 1000});
  EXPECT_EQ(loadPieces(loader, finished(), 100), std::nullopt);
  for (size_t shard = 0; shard < keyspace.shardCount(); ++shard) {
    bool more = false;
    keyspace.shard(shard).expireSome(0, 11'000, 100, listener, more);
  }
  EXPECT_THAT(listener.names, testing::ElementsAre("soon"));
  EXPECT_EQ(keyspace.size(0), 1u);
}

TEST_F(RdbLoadTest, RefusesADuplicateByName) {
  for (const char* key : {"a", "b", "a"}) string(key, "1");
  RdbLoader loader(keyspace, {});
  EXPECT_THAT(loadPieces(loader, finished(), 100).value_or(""), HasSubstr("RDB has duplicated key 'a' in DB 0"));
}

TEST_F(RdbLoadTest, RefusesADatabaseBeyondTheConfiguredOnes) {
  writer.selectDb(4);
  RdbLoader loader(keyspace, {});
  EXPECT_EQ(loadPieces(loader, finished(), 100),
            "FATAL: Data file was created with a Redis server configured to handle more than 4 databases. Exiting");
}

TEST_F(RdbLoadTest, RefusesTypesThatDoNotExistYetByKeyAndType) {
  RdbLoader loader(keyspace, {});
  const std::string error = loadPieces(loader, wire::samples::fromHex(wire::samples::kWithSet), 1000).value_or("");
  EXPECT_THAT(error, HasSubstr("key 's' has type set"));
  EXPECT_THAT(error, HasSubstr("at offset"));
}

TEST_F(RdbLoadTest, RefusesFunctionsRatherThanLosingThem) {
  writer.function("#!lua name=mylib\n");
  RdbLoader loader(keyspace, {});
  EXPECT_THAT(loadPieces(loader, finished(), 100).value_or(""), HasSubstr("library of functions"));
}

TEST_F(RdbLoadTest, ReportsWhereAFileIsCut) {
  string("a", "b");
  writer.beginList({.key = "list"}, 1);
  writer.plainNode("x");
  const std::string bytes = finished();
  for (size_t length = 1; length < bytes.size(); ++length) {
    keyspace::Keyspace target({.shards = 8});
    RdbLoader loader(target, {});
    ASSERT_THAT(loadPieces(loader, bytes.substr(0, length), 1000).value_or(""),
                HasSubstr("Unexpected EOF reading RDB file (at offset "));
  }
}

TEST_F(RdbLoadTest, GivesUpWhenItIsTold) {
  for (int i = 0; i < 300'000; ++i) string("key" + std::to_string(i), std::to_string(i * 7919LL) + "x");
  MemoryFiles files;
  files["dump.rdb"] = finished();
  auto file = files.open("dump.rdb", FileSystem::Open::kRead, 0644);
  RdbLoader loader(keyspace, {});
  size_t calls = 0;
  const auto end = loadRdbFile(loader, **file, [&calls](uint64_t) -> Status {
    ++calls;
    return fail("enough", ECANCELED);
  });
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().message, "enough");
  EXPECT_EQ(end.error().code, ECANCELED);
  EXPECT_EQ(calls, 1u);
  EXPECT_LT(loader.offset(), files["dump.rdb"].size() * 3 / 4);
}

TEST_F(RdbLoadTest, KeepsHowOftenAndHowRecentlyKeysWereUsed) {
  constexpr UnixMs kNow = 1'000'000'000;
  writer.string({.key = "idle", .idleSeconds = 100}, listpack::Value::ofText("v"));
  writer.string({.key = "often", .frequency = 77}, listpack::Value::ofText("v"));
  const std::string bytes = finished();
  auto access = [&](bool lfu, std::string_view key) {
    keyspace::Keyspace target({.shards = 2, .access = {.lfu = lfu}});
    RdbLoader loader(target, {.now = kNow});
    EXPECT_EQ(loadPieces(loader, bytes, 1000), std::nullopt);
    keyspace::Database db(target, 0);
    db.prepare(kNow, keyspace::ExpiryMode::kIgnore, nullptr, false);
    return db.peek(db.ref(key))->access();
  };
  EXPECT_EQ(keyspace::lruIdleSeconds(access(false, "idle"), kNow), 100u);
  EXPECT_EQ(keyspace::lruIdleSeconds(access(false, "often"), kNow), 0u);
  EXPECT_EQ(access(true, "often") & 0xff, 77u);
  EXPECT_EQ(access(true, "idle") & 0xff, keyspace::kLfuInitial);
}

TEST_F(RdbLoadTest, CollectsTheAuxFields) {
  writer.aux("repl-id", std::string(40, 'a'));
  writer.aux("repl-offset", 12345);
  writer.aux("repl-stream-db", 3);
  writer.aux("ctime", 77);
  writer.aux("used-mem", 88);
  writer.aux("aof-base", 1);
  writer.aux("unheard-of", "x");
  RdbLoader loader(keyspace, {});
  EXPECT_EQ(loadPieces(loader, finished(), 7), std::nullopt);
  EXPECT_EQ(loader.aux().replicationId, std::string(40, 'a'));
  EXPECT_EQ(loader.aux().replicationOffset, 12345);
  EXPECT_EQ(loader.aux().streamDb, 3);
  EXPECT_EQ(loader.aux().created, 77);
  EXPECT_EQ(loader.aux().usedMemory, 88);
  EXPECT_TRUE(loader.aux().aofBase);
}

}  // namespace
}  // namespace vigil::persistence
