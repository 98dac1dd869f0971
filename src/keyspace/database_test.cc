#include "keyspace/database.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/crc16.h"
#include "keyspace/keyspace.h"

namespace vigil::keyspace {
namespace {

class Heard final : public ExpiryListener {
 public:
  void onExpired(int db, const KeyRef& key) override { keys.emplace_back(db, key.name); }
  std::vector<std::pair<int, std::string>> keys;
};

class AllFree final : public ShardAccess {
 public:
  bool tryEnter(size_t shard) override { return shard != busy; }
  void leave(size_t) override {}
  size_t busy = SIZE_MAX;
};

class DatabaseTest : public testing::Test {
 protected:
  static constexpr UnixMs kNow = 1'700'000'000'000;

  DatabaseTest() { at(kNow); }
  void at(UnixMs now, ExpiryMode mode = ExpiryMode::kDelete) { db.prepare(now, mode, &heard, true); }
  std::string get(std::string_view key) {
    const Entry* entry = db.find(db.ref(key));
    Entry::Scratch scratch;
    return entry != nullptr ? std::string(entry->stringValue(scratch)) : "(absent)";
  }
  UnixMs expireAt(std::string_view key) { return db.peek(db.ref(key))->expireAt(); }

  Keyspace keyspace{Keyspace::Options{.shards = 8, .hashSeed = 7}};
  Database db{keyspace, 0};
  Database other{keyspace, 1};
  Heard heard;
};

TEST_F(DatabaseTest, StringsAreStoredReadAndOverwritten) {
  EXPECT_EQ(get("a"), "(absent)");
  for (const std::string& value :
       {std::string("x"), std::string("12"), std::string("-0"), std::string("012"), std::string("9223372036854775808"),
        std::string(4096, 'v'), std::string(4097, 'w'), std::string(100000, 'y'), std::string()}) {
    db.setString(db.ref("a"), value);
    EXPECT_EQ(get("a"), value);
    EXPECT_EQ(db.peek(db.ref("a"))->stringSize(), value.size());
  }
  EXPECT_EQ(db.size(), 1u);
  EXPECT_TRUE(db.erase(db.ref("a")));
  EXPECT_FALSE(db.erase(db.ref("a")));
  EXPECT_EQ(db.size(), 0u);
}

TEST(DatabaseSlots, HiddenKeysAreLeftOutOfTheirOwnDatabasesSize) {
  const Keyspace::Options options{.shards = 8, .databases = 3, .hashSeed = 7, .slots = true};
  Keyspace keyspace(options);
  Heard heard;
  auto fill = [&](Keyspace& into) {
    Database first(into, 0);
    Database second(into, 1);
    first.prepare(1, ExpiryMode::kDelete, &heard, true);
    second.prepare(1, ExpiryMode::kDelete, &heard, true);
    for (const char* key : {"{a}1", "{a}2", "b"}) first.setString(first.ref(key), "x");
    for (const char* key : {"{a}1", "c"}) second.setString(second.ref(key), "x");
  };
  auto sizes = [&] { return std::vector<size_t>{keyspace.size(0), keyspace.size(1), keyspace.size(2)}; };
  fill(keyspace);
  EXPECT_EQ(sizes(), (std::vector<size_t>{3, 2, 0}));
  keyspace.hiddenSlots().set(keySlot("a"));
  EXPECT_EQ(sizes(), (std::vector<size_t>{1, 1, 0}));
  EXPECT_EQ(keyspace.keysInSlot(keySlot("a")), 3u);
  keyspace.swapDatabases(1, 2);
  EXPECT_EQ(sizes(), (std::vector<size_t>{1, 0, 1}));
  keyspace.detachAll(0);
  EXPECT_EQ(sizes(), (std::vector<size_t>{0, 0, 1}));
  Keyspace loaded(options);
  fill(loaded);
  keyspace.replaceAll(loaded);
  keyspace.hiddenSlots().set(keySlot("a"));
  EXPECT_EQ(sizes(), (std::vector<size_t>{1, 1, 0}));
}

TEST_F(DatabaseTest, CanonicalIntegersBecomeNumbers) {
  db.setString(db.ref("n"), "-42");
  ASSERT_TRUE(db.peek(db.ref("n"))->isInt());
  EXPECT_EQ(db.peek(db.ref("n"))->number(), -42);
  db.setNumber(db.ref("n"), INT64_MIN);
  EXPECT_EQ(get("n"), "-9223372036854775808");
  EXPECT_EQ(db.peek(db.ref("n"))->stringSize(), 20u);
}

TEST_F(DatabaseTest, OverwritingWithTheSameShapeKeepsTheBlock) {
  db.setString(db.ref("k"), "0123456789abcdef");
  const Entry* before = db.peek(db.ref("k"));
  db.setString(db.ref("k"), "fedcba9876543210");
  EXPECT_EQ(db.peek(db.ref("k")), before);
  EXPECT_EQ(get("k"), "fedcba9876543210");
}

TEST_F(DatabaseTest, KeysOfAnyLength) {
  for (size_t size : {0, 1, 254, 255, 256, 70000}) {
    const std::string key(size, 'k');
    db.setString(db.ref(key), "value", Database::Ttl::kClear, kNow + 1000);
    EXPECT_EQ(get(key), "value");
    EXPECT_EQ(db.peek(db.ref(key))->key(), key);
    EXPECT_TRUE(db.persist(db.ref(key)));
    db.setNumber(db.ref(key), 5);
    EXPECT_EQ(get(key), "5");
    EXPECT_EQ(expireAt(key), 0);
  }
}

TEST_F(DatabaseTest, TimeToLiveIsKeptClearedSetAndTakenAway) {
  const KeyRef key = db.ref("k");
  EXPECT_FALSE(db.setExpire(key, kNow + 5));
  db.setString(key, "some value");
  EXPECT_FALSE(db.persist(key));
  EXPECT_TRUE(db.setExpire(key, kNow + 500));
  EXPECT_EQ(db.withExpiry(), 1u);
  db.setString(key, "another", Database::Ttl::kKeep);
  EXPECT_EQ(expireAt("k"), kNow + 500);
  db.setString(key, std::string(9000, 'x'), Database::Ttl::kKeep);
  EXPECT_EQ(expireAt("k"), kNow + 500);
  EXPECT_TRUE(db.setExpire(key, kNow + 700));
  EXPECT_EQ(expireAt("k"), kNow + 700);
  EXPECT_EQ(get("k"), std::string(9000, 'x'));
  EXPECT_TRUE(db.persist(key));
  EXPECT_EQ(db.withExpiry(), 0u);
  db.setString(key, "x", Database::Ttl::kClear, kNow + 9);
  db.setString(key, "7", Database::Ttl::kKeep);
  EXPECT_EQ(expireAt("k"), kNow + 9);
  db.setNumber(key, 8);
  EXPECT_EQ(expireAt("k"), 0);
  EXPECT_EQ(db.withExpiry(), 0u);
}

TEST_F(DatabaseTest, NumbersThatExpireKeepBothWhateverTheirSize) {
  constexpr UnixMs kLast = (UnixMs{1} << 48) - 1;  // up to here both fit into one word
  const std::vector<int64_t> numbers = {0,
                                        1,
                                        -1,
                                        65535,
                                        65536,
                                        -65536,
                                        -70000,
                                        INT32_MAX,
                                        INT32_MIN,
                                        int64_t{INT32_MAX} + 1,
                                        int64_t{INT32_MIN} - 1,
                                        INT64_MAX,
                                        INT64_MIN};
  for (const std::string& name : {std::string("n"), std::string(300, 'n')}) {
    const KeyRef key = db.ref(name);
    for (const int64_t first : numbers) {
      for (const int64_t second : numbers) {
        for (const auto& [at, later] :
             {std::pair{kNow + 1, kNow + 2}, {kNow + 1, kLast}, {kLast, kLast + 1}, {kLast + 1, kNow + 1}}) {
          db.setString(key, std::to_string(first), Database::Ttl::kClear, at);
          ASSERT_EQ(db.peek(key)->number(), first);
          ASSERT_EQ(expireAt(name), at);
          db.setNumber(key, second, Database::Ttl::kKeep);
          ASSERT_EQ(db.peek(key)->number(), second);
          ASSERT_EQ(expireAt(name), at);
          ASSERT_TRUE(db.setExpire(key, later));
          ASSERT_EQ(db.peek(key)->number(), second);
          ASSERT_EQ(db.peek(key)->key(), name);
          ASSERT_EQ(expireAt(name), later);
          ASSERT_TRUE(db.persist(key));
          ASSERT_EQ(get(name), std::to_string(second));
          ASSERT_EQ(expireAt(name), 0);
        }
      }
    }
  }
}

TEST_F(DatabaseTest, SmallNumbersThatExpireTakeOneWord) {
  const auto memoryOf = [this](std::string_view key, std::string_view value) {
    db.setString(db.ref(key), value, Database::Ttl::kClear, kNow + 1);
    return db.peek(db.ref(key))->memory();
  };
  EXPECT_EQ(memoryOf("counter:00000001", "-2147483648"), 32u);
  EXPECT_GT(memoryOf("counter:00000002", "-2147483649"), 32u);
}

TEST_F(DatabaseTest, MasterDeletesWhatExpiredAndSaysSo) {
  db.setString(db.ref("k"), "v", Database::Ttl::kClear, kNow + 10);
  at(kNow + 9);
  EXPECT_EQ(get("k"), "v");
  at(kNow + 10);
  EXPECT_EQ(get("k"), "(absent)");
  EXPECT_EQ(heard.keys, (std::vector<std::pair<int, std::string>>{{0, "k"}}));
  EXPECT_EQ(db.size(), 0u);
  EXPECT_EQ(keyspace.statistics().expired, 1u);
  EXPECT_EQ(keyspace.statistics().hits, 1u);
  EXPECT_EQ(keyspace.statistics().misses, 1u);
}

TEST_F(DatabaseTest, ReplicaHidesWhatExpiredAndItsStreamStillSeesIt) {
  db.setString(db.ref("k"), "v", Database::Ttl::kClear, kNow + 10);
  at(kNow + 10, ExpiryMode::kHide);
  EXPECT_EQ(get("k"), "(absent)");
  EXPECT_EQ(db.size(), 1u);
  at(kNow + 10, ExpiryMode::kIgnore);
  EXPECT_EQ(get("k"), "v");
  EXPECT_EQ(db.appendString(db.ref("k"), "w"), 2u);
  EXPECT_EQ(expireAt("k"), kNow + 10);
  at(kNow + 10, ExpiryMode::kHide);
  db.setString(db.ref("k"), "local");
  EXPECT_EQ(get("k"), "local");
  EXPECT_EQ(db.size(), 1u);
  EXPECT_TRUE(heard.keys.empty());
}

TEST_F(DatabaseTest, StringsAreEditedInPlaceAndGrow) {
  const KeyRef key = db.ref("e");
  std::string model;
  EXPECT_EQ(db.appendString(key, "12"), 2u);
  model = "12";
  EXPECT_FALSE(db.peek(key)->edited());
  for (int i = 0; i < 3000; ++i) {
    const std::string tail(static_cast<size_t>(i % 7), static_cast<char>('a' + i % 26));
    model += tail;
    ASSERT_EQ(db.appendString(key, tail), model.size());
  }
  EXPECT_EQ(get("e"), model);
  EXPECT_TRUE(db.peek(key)->edited());
  db.editString(key, model.size() + 100)[3] = '!';
  model.resize(model.size() + 100);
  model[3] = '!';
  EXPECT_EQ(get("e"), model);
  EXPECT_EQ(db.editString(key, 1).size(), model.size());
  EXPECT_EQ(db.editString(db.ref("new"), 5000).size(), 5000u);
  EXPECT_EQ(get("new"), std::string(5000, '\0'));
  db.setNumber(key, 77);
  db.editString(key, 3)[0] = 'x';
  EXPECT_EQ(get("e"), std::string("x7\0", 3));
  db.setString(key, "abc");
  EXPECT_FALSE(db.peek(key)->edited());
}

TEST_F(DatabaseTest, SharedBuffersAreCopiedBeforeTheyAreEdited) {
  ds::SharedBuffer value(std::string(10000, 'a'));
  db.setBuffer(db.ref("b"), value);
  EXPECT_EQ(db.peek(db.ref("b"))->buffer().data(), value.data());
  db.editString(db.ref("b"), 0)[0] = 'X';
  db.appendString(db.ref("b"), "tail");
  EXPECT_EQ(value.view(), std::string(10000, 'a'));
  EXPECT_EQ(get("b"), "X" + std::string(9999, 'a') + "tail");
}

TEST_F(DatabaseTest, EntriesMoveBetweenKeysAndDatabasesWithTheirExpiry) {
  db.setString(db.ref("from"), std::string(9000, 'x'), Database::Ttl::kClear, kNow + 10);
  db.adopt(db.ref("a longer name"), db.take(db.ref("from")));
  EXPECT_EQ(get("from"), "(absent)");
  EXPECT_EQ(get("a longer name"), std::string(9000, 'x'));
  EXPECT_EQ(expireAt("a longer name"), kNow + 10);
  EXPECT_EQ(db.take(db.ref("nothing")), nullptr);
  other.prepare(kNow, ExpiryMode::kDelete, &heard, true);
  db.copyTo(*db.peek(db.ref("a longer name")), other, db.ref("copy"));
  db.editString(db.ref("a longer name"), 0)[0] = '!';
  Entry::Scratch scratch;
  EXPECT_EQ(other.peek(db.ref("copy"))->stringValue(scratch), std::string(9000, 'x'));
  EXPECT_EQ(other.withExpiry(), 1u);
  other.prepare(kNow + 10, ExpiryMode::kDelete, &heard, true);
  EXPECT_EQ(other.find(db.ref("copy")), nullptr);
  EXPECT_EQ(db.size(), 1u);
}

TEST_F(DatabaseTest, AccessTimeFollowsReadsUnlessAskedNotTo) {
  db.setString(db.ref("k"), "v");
  at(kNow + 60'000);
  EXPECT_EQ(lruIdleSeconds(db.peek(db.ref("k"))->access(), kNow + 60'000), 60u);
  db.prepare(kNow + 60'000, ExpiryMode::kDelete, nullptr, false);
  get("k");
  EXPECT_EQ(lruIdleSeconds(db.peek(db.ref("k"))->access(), kNow + 60'000), 60u);
  at(kNow + 60'000);
  get("k");
  EXPECT_EQ(lruIdleSeconds(db.peek(db.ref("k"))->access(), kNow + 60'000), 0u);
}

TEST_F(DatabaseTest, FrequencyGrowsLogarithmicallyAndDecays) {
  keyspace.setAccessPolicy({.lfu = true});
  at(kNow);
  db.setString(db.ref("k"), "v");
  EXPECT_EQ(db.peek(db.ref("k"))->access() & 255, kLfuInitial);
  for (int i = 0; i < 10000; ++i) get("k");
  const uint32_t after = db.peek(db.ref("k"))->access();
  EXPECT_GT(after & 255, 30u);
  EXPECT_LT(after & 255, 80u);
  EXPECT_EQ(lfuDecay(after, kNow + 10 * 60'000, 1), (after & 255) - 10);
  EXPECT_EQ(lfuDecay(after, kNow + 1000 * 60'000, 1), 0);
  EXPECT_EQ(lfuDecay(after, kNow + 1000 * 60'000, 0), after & 255);
}

TEST_F(DatabaseTest, SmallDatabaseIsScannedInOneCall) {
  AllFree access;
  EXPECT_EQ(db.scan(0, 10, access, [](const Entry&) { FAIL(); }), 0u);
  for (int i = 0; i < 10; ++i) db.setNumber(db.ref("k" + std::to_string(i)), i);
  db.setString(db.ref("gone"), "", Database::Ttl::kClear, kNow);
  std::map<std::string, int> seen;
  EXPECT_EQ(db.scan(0, 11, access, [&](const Entry& entry) { ++seen[std::string(entry.key())]; }), 0u);
  EXPECT_EQ(seen.size(), 10u);
}

TEST_F(DatabaseTest, ScanStopsBeforeABusyShardAndGoesOnThere) {
  for (int i = 0; i < 1000; ++i) db.setNumber(db.ref("k" + std::to_string(i)), i);
  AllFree access;
  access.busy = 3;
  size_t seen = 0;
  const uint64_t cursor = db.scan(0, 100000, access, [&](const Entry&) { ++seen; });
  EXPECT_EQ(db.scanShard(cursor), 3u);
  EXPECT_EQ(db.scan(cursor, 100000, access, [&](const Entry&) { ++seen; }), 0u);
  EXPECT_EQ(seen, 1000u);
}

TEST_F(DatabaseTest, AnyNumberIsAScanCursor) {
  for (int i = 0; i < 1000; ++i) db.setNumber(db.ref("k" + std::to_string(i)), i);
  AllFree access;
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t cursor = random();
    ASSERT_LT(db.scanShard(cursor), keyspace.shardCount());
    uint64_t next = cursor;
    int steps = 0;
    do {
      next = db.scan(next, 50, access, [](const Entry&) {});
    } while (next != 0 && ++steps < 1000);
    ASSERT_EQ(next, 0u);
  }
}

TEST_F(DatabaseTest, RandomEntryIsFairAndSkipsWhatExpired) {
  std::mt19937_64 random(1);
  auto next = [&] { return random(); };
  EXPECT_EQ(db.randomEntry(next), nullptr);
  for (int i = 0; i < 200; ++i) db.setNumber(db.ref("k" + std::to_string(i)), i);
  std::map<std::string, int> chosen;
  for (int i = 0; i < 100'000; ++i) ++chosen[std::string(db.randomEntry(next)->key())];
  EXPECT_EQ(chosen.size(), 200u);
  for (const auto& [key, times] : chosen) {
    EXPECT_GT(times, 200) << key;
    EXPECT_LT(times, 1200) << key;
  }
  for (int i = 1; i < 200; ++i) db.setExpire(db.ref("k" + std::to_string(i)), kNow);
  at(kNow, ExpiryMode::kHide);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(db.randomEntry(next)->key(), "k0");
  at(kNow);
  db.setExpire(db.ref("k0"), kNow);
  EXPECT_EQ(db.randomEntry(next), nullptr);
}

TEST_F(DatabaseTest, WholeDatabasesAreSwappedAndDetached) {
  for (int i = 0; i < 100; ++i) {
    db.setString(db.ref("k" + std::to_string(i)), "v", Database::Ttl::kClear, i < 30 ? kNow + 10 : 0);
  }
  keyspace.swapDatabases(0, 1);
  EXPECT_EQ(db.size(), 0u);
  EXPECT_EQ(other.size(), 100u);
  EXPECT_EQ(other.withExpiry(), 30u);
  db.setString(db.ref("k"), "v");
  EXPECT_FALSE(keyspace.detachAll(1).empty());
  EXPECT_EQ(other.size(), 0u);
  EXPECT_EQ(db.size(), 1u);
  keyspace.detachAll(-1);
  EXPECT_EQ(db.size(), 0u);
  db.setString(db.ref("k"), "again");
  EXPECT_EQ(get("k"), "again");
}

TEST_F(DatabaseTest, TablesLoadedElsewhereTakeThePlaceOfTheOldOnes) {
  Keyspace::Options options{.shards = 8, .hashSeed = 7};
  {
    Keyspace loaded(options);
    Database into(loaded, 0);
    into.prepare(kNow, ExpiryMode::kIgnore, nullptr, false);
    for (int i = 0; i < 1000; ++i) into.setString(into.ref("new" + std::to_string(i)), "v");
    db.setString(db.ref("old"), "v");
    EXPECT_EQ(keyspace.replaceAll(loaded).size(), 1u);
  }
  EXPECT_EQ(get("old"), "(absent)");
  EXPECT_EQ(db.size(), 1000u);
  EXPECT_EQ(get("new7"), "v");
  for (int i = 0; i < 5000; ++i) db.setNumber(db.ref("n" + std::to_string(i)), i);
  EXPECT_EQ(db.size(), 6000u);
}

}  // namespace
}  // namespace vigil::keyspace
