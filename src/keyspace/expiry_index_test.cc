#include "keyspace/expiry_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "keyspace/database.h"
#include "keyspace/keyspace.h"

namespace vigil::keyspace {
namespace {

constexpr UnixMs kNow = 1'700'000'000'000;
constexpr UnixMs kTick = 256;

class Collector final : public ExpiryListener {
 public:
  void onExpired(int, const KeyRef& key) override { EXPECT_TRUE(keys.insert(std::string(key.name)).second); }
  std::set<std::string> keys;
};

class ActiveExpiryTest : public testing::Test {
 protected:
  void at(UnixMs now) { db.prepare(now, ExpiryMode::kDelete, nullptr, true); }
  // All that is due at this time.
  std::set<std::string> expire(UnixMs now, size_t budget = 7) {
    Collector collector;
    for (size_t i = 0; i < keyspace.shardCount(); ++i) {
      bool more = true;
      while (more) keyspace.shard(i).expireSome(0, now, budget, collector, more);
      keyspace.shard(i).compactExpiry(budget);
    }
    return collector.keys;
  }
  void set(const std::string& key, UnixMs expireAt) { db.setString(db.ref(key), "v", Database::Ttl::kClear, expireAt); }

  Keyspace keyspace{Keyspace::Options{.shards = 2}};
  Database db{keyspace, 0};
};

TEST_F(ActiveExpiryTest, DeletesNothingEarlyAndEverythingWithinATick) {
  at(kNow);
  std::map<std::string, UnixMs> model;
  std::mt19937_64 random(3);
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "k" + std::to_string(random() % 3000);
    const UnixMs when = kNow + 1 + static_cast<UnixMs>(random() % 100'000);
    switch (random() % 4) {
      case 0:
        db.erase(db.ref(key));
        model.erase(key);
        break;
      case 1:
        if (model.contains(key)) model[key] = 0;
        db.persist(db.ref(key));
        break;
      case 2:
        if (db.setExpire(db.ref(key), when)) model[key] = when;
        break;
      default:
        set(key, when);
        model[key] = when;
    }
  }
  for (UnixMs now = kNow; now < kNow + 101'000; now += 777) {
    for (const std::string& key : expire(now)) {
      ASSERT_NE(model[key], 0) << key;
      ASSERT_LE(model[key], now) << key;
      model.erase(key);
    }
    for (const auto& [key, when] : model) ASSERT_TRUE(when == 0 || when > now - kTick) << key;
  }
  EXPECT_EQ(db.size(), model.size());
  EXPECT_EQ(db.withExpiry(), 0u);
}

TEST_F(ActiveExpiryTest, StalePairsDoNotPileUp) {
  at(kNow);
  for (int i = 0; i < 50; ++i) set("k" + std::to_string(i), kNow + 100'000);
  for (int round = 1; round <= 2000; ++round) {
    for (int i = 0; i < 50; ++i) db.setExpire(db.ref("k" + std::to_string(i)), kNow + 100'000 + round);
    expire(kNow + round);
  }
  EXPECT_LT(keyspace.shard(0).expiry(0).size() + keyspace.shard(1).expiry(0).size(), 600u);
  EXPECT_EQ(db.withExpiry(), 50u);
  EXPECT_EQ(expire(kNow + 102'000 + kTick).size(), 50u);
}

TEST_F(ActiveExpiryTest, StalePairsDoNotPileUpWhereNothingExpires) {
  at(kNow);
  set("k", kNow + 100'000);
  for (int round = 1; round <= 10'000; ++round) {
    db.setExpire(db.ref("k"), kNow + 100'000 + round);
    if (round % 10 != 0) continue;
    for (size_t i = 0; i < keyspace.shardCount(); ++i) keyspace.shard(i).compactExpiry(7);
  }
  EXPECT_LT(keyspace.shard(0).expiry(0).size() + keyspace.shard(1).expiry(0).size(), 300u);
  EXPECT_EQ(expire(kNow + 111'000), std::set<std::string>{"k"});
}

TEST_F(ActiveExpiryTest, GoesOnWhenTheClockIsSetBack) {
  at(kNow);
  set("late", kNow + 1000);
  EXPECT_TRUE(expire(kNow).empty());
  const UnixMs earlier = kNow - 86'400'000;
  at(earlier);
  EXPECT_TRUE(expire(earlier).empty());
  set("soon", earlier + 500);
  EXPECT_EQ(expire(earlier + 1000), std::set<std::string>{"soon"});
  EXPECT_EQ(expire(kNow + 2000), std::set<std::string>{"late"});
}

TEST_F(ActiveExpiryTest, FarAndAncientDeadlines) {
  at(kNow);
  set("ancient", 1);
  set("far", 253'402'300'800'000);
  set("farthest", INT64_MAX);
  EXPECT_EQ(expire(kNow), std::set<std::string>{"ancient"});
  EXPECT_EQ(db.size(), 2u);
}

}  // namespace
}  // namespace vigil::keyspace
