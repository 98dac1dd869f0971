#include "keyspace/eviction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "keyspace/database.h"
#include "keyspace/keyspace.h"

namespace vigil::keyspace {
namespace {

constexpr UnixMs kNow = 1'700'000'000'000;
constexpr size_t kDatabases = 16;

TEST(EvictionPoolTest, KeepsTheBestAndGivesThemBestFirst) {
  EvictionPool pool;
  std::mt19937_64 random(3);
  std::vector<uint64_t> scores;
  for (uint64_t i = 0; i < 500; ++i) {
    const uint64_t score = random() % 1000;
    scores.push_back(score);
    if (pool.wants(score)) pool.add({score, i, 0});
  }
  std::ranges::sort(scores, std::greater<>());
  for (size_t i = 0; i < EvictionPool::kSize; ++i) EXPECT_EQ(pool.takeBest()->score, scores[i]);
  EXPECT_FALSE(pool.takeBest());
}

TEST(EvictionPoolTest, ACandidateIsThereOnce) {
  EvictionPool pool;
  for (uint64_t score : {5, 9, 7, 2}) pool.add({score, 42, 3});
  pool.add({4, 42, 4});  // of another database
  EXPECT_EQ(pool.size(), 2u);
  EXPECT_EQ(pool.takeBest()->score, 4u);
  EXPECT_EQ(pool.takeBest()->score, 2u);
}

class EvictionTest : public testing::Test {
 protected:
  void set(const std::string& key, UnixMs at, UnixMs expireAt = 0) {
    db.prepare(at, ExpiryMode::kIgnore, nullptr, true);
    db.setString(db.ref(key), "v", Database::Ttl::kClear, expireAt);
  }
  uint64_t score(EvictionPolicy policy, const std::string& key, UnixMs now) {
    return evictionScore(policy, keyspace.accessPolicy(), *db.peek(db.ref(key)), now);
  }
  // Evicts `count` entries as a worker does; their keys.
  std::vector<std::string> evict(EvictionPolicy policy, size_t count, size_t samples = 5) {
    std::vector<std::string> gone;
    EvictionPool pool;
    const EvictionSampling how{
        .policy = policy, .access = keyspace.accessPolicy(), .samples = samples, .now = kNow + 1'000'000};
    while (gone.size() < count) {
      Shard& sampled = keyspace.shard(random() % keyspace.shardCount());
      std::optional<EvictionCandidate> victim;
      if (isRandom(policy)) {
        victim = randomVictim(sampled, kDatabases, policy, random());
      } else {
        sampleShard(sampled, kDatabases, how, random(), pool);
        victim = pool.takeBest();
      }
      if (!victim) continue;
      Shard& shard = keyspace.shardOf(victim->hash);
      Table* table = shard.table(victim->db);
      const Table::Place place = table->findHash(victim->hash);
      gone.emplace_back(place.entry()->key());
      shard.evict(victim->db, *table, victim->hash, place, false);
    }
    return gone;
  }

  Keyspace keyspace{Keyspace::Options{.shards = 16, .hashSeed = 7}};
  Database db{keyspace, 0};
  std::mt19937_64 random{5};
};

TEST_F(EvictionTest, ScoresGrowWithWhatMakesAnEntryDispensable) {
  keyspace.setAccessPolicy({});
  set("old", kNow);
  set("new", kNow + 5000);
  const UnixMs later = kNow + 60'000;
  EXPECT_GT(score(EvictionPolicy::kAllkeysLru, "old", later), score(EvictionPolicy::kAllkeysLru, "new", later));
  EXPECT_EQ(score(EvictionPolicy::kAllkeysLru, "old", later),
            score(EvictionPolicy::kAllkeysLru, "old", later + 99'000));
  set("soon", kNow, kNow + 1000);
  set("late", kNow, kNow + 2000);
  EXPECT_GT(score(EvictionPolicy::kVolatileTtl, "soon", later), score(EvictionPolicy::kVolatileTtl, "late", later));

  keyspace.setAccessPolicy({.lfu = true, .lfuLogFactor = 0});
  set("rare", kNow);
  set("frequent", kNow);
  for (int i = 0; i < 20; ++i) db.find(db.ref("frequent"));
  EXPECT_GT(score(EvictionPolicy::kAllkeysLfu, "rare", kNow), score(EvictionPolicy::kAllkeysLfu, "frequent", kNow));
  EXPECT_GT(score(EvictionPolicy::kAllkeysLfu, "frequent", kNow + 600'000),
            score(EvictionPolicy::kAllkeysLfu, "frequent", kNow));
}

TEST_F(EvictionTest, UsesWithinASecondAndOfOneFrequencyAreToldApart) {
  keyspace.setAccessPolicy({});
  set("older", kNow);
  set("newer", kNow + 20);
  EXPECT_GT(score(EvictionPolicy::kAllkeysLru, "older", kNow + 500),
            score(EvictionPolicy::kAllkeysLru, "newer", kNow + 500));
  // Another thread's clock was read a moment earlier.
  EXPECT_EQ(score(EvictionPolicy::kAllkeysLru, "newer", kNow), UINT64_MAX - kNow / 1000 * kFractions);

  keyspace.setAccessPolicy({.lfu = true});
  set("twice", kNow);
  set("thrice", kNow);
  for (int i = 0; i < 2; ++i) db.find(db.ref("twice"));
  for (int i = 0; i < 3; ++i) db.find(db.ref("thrice"));
  EXPECT_GT(score(EvictionPolicy::kAllkeysLfu, "twice", kNow), score(EvictionPolicy::kAllkeysLfu, "thrice", kNow));
}

TEST_F(EvictionTest, TheOldestGoFirst) {
  keyspace.setAccessPolicy({});
  constexpr int kKeys = 20'000;
  for (int i = 0; i < kKeys; ++i) set("key:" + std::to_string(i), kNow + i * 10);
  std::vector<bool> gone(kKeys);
  for (const std::string& key : evict(EvictionPolicy::kAllkeysLru, kKeys / 2)) gone[std::stoul(key.substr(4))] = true;
  // Perfect order would take none of the newer half. Sampling errs near the border alone.
  const auto wrong = std::count(gone.begin() + kKeys / 2, gone.end(), true);
  EXPECT_LT(wrong, kKeys / 20);
  EXPECT_EQ(std::count(gone.begin() + kKeys * 3 / 4, gone.end(), true), 0);
}

TEST_F(EvictionTest, OnlyEntriesWithATimeToLiveUnderVolatilePolicies) {
  for (int i = 0; i < 30'000; ++i) set("stays:" + std::to_string(i), kNow);
  for (int i = 0; i < 100; ++i) set("goes:" + std::to_string(i), kNow, kNow + 1'000'000 + i);
  for (EvictionPolicy policy : {EvictionPolicy::kVolatileLru, EvictionPolicy::kVolatileLfu,
                                EvictionPolicy::kVolatileTtl, EvictionPolicy::kVolatileRandom}) {
    for (const std::string& key : evict(policy, 25)) EXPECT_TRUE(key.starts_with("goes:")) << key;
  }
  for (size_t shard = 0; shard < keyspace.shardCount(); ++shard) {
    EXPECT_EQ(evictable(keyspace.shard(shard), kDatabases, EvictionPolicy::kVolatileLru), 0u);
    EXPECT_FALSE(randomVictim(keyspace.shard(shard), kDatabases, EvictionPolicy::kVolatileRandom, random()));
  }
  EXPECT_EQ(db.size(), 30'000u);
}

TEST_F(EvictionTest, RandomIsFair) {
  constexpr int kKeys = 4000;
  for (int i = 0; i < kKeys; ++i) set("key:" + std::to_string(i), kNow);
  // Of each tenth of the keys about as many go as of any other.
  std::map<size_t, int> byTenth;
  for (const std::string& key : evict(EvictionPolicy::kAllkeysRandom, kKeys / 2))
    ++byTenth[std::stoul(key.substr(4)) * 10 / kKeys];
  for (const auto& [tenth, count] : byTenth) EXPECT_NEAR(count, kKeys / 20, kKeys / 80) << tenth;
  EXPECT_EQ(keyspace.statistics().evicted, kKeys / 2);
}

TEST_F(EvictionTest, WhileTablesGrowAndShrinkEverythingCanBeMet) {
  for (int i = 0; i < 3000; ++i) set("key:" + std::to_string(i), kNow);  // some tables are in the midst of growing
  EXPECT_EQ(evict(EvictionPolicy::kAllkeysLru, 3000, 1).size(), 3000u);
  EXPECT_EQ(db.size(), 0u);
}

}  // namespace
}  // namespace vigil::keyspace
