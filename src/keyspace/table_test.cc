#include "keyspace/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <unordered_map>

namespace vigil::keyspace {
namespace {

class NoSnapshots final : public Preserver {
 public:
  void preserve(const Table&, const Bucket&) override {}
};

// Tables over hashes of which only some bits count: 0 puts all keys into one chain.
class TableTest : public testing::TestWithParam<uint64_t> {
 protected:
  KeyRef ref(std::string_view key) const { return {key, table.hashOf(key)}; }
  void insert(const std::string& key, UnixMs expireAt = 0) {
    table.insert(table.hashOf(key), Entry::makeString(key, "v" + key, expireAt));
  }
  bool erase(const std::string& key) {
    const Table::Place place = table.find(ref(key));
    if (!place) return false;
    Entry::free(table.remove(table.hashOf(key), place));
    return true;
  }

  uint32_t epoch = 1;
  NoSnapshots preserver;
  Table table{epoch, preserver, KeyHash{3, GetParam()}};
};

TEST_P(TableTest, AgreesWithAModelWhileGrowingAndShrinking) {
  const bool colliding = GetParam() != ~uint64_t{0};
  const int keys = colliding ? 600 : 20'000;
  std::unordered_map<std::string, UnixMs> model;
  std::mt19937_64 random(11);
  for (int round = 0; round < 6; ++round) {
    const unsigned inserting = round % 2 == 0 ? 90 : 15;  // in a hundred
    for (int i = 0; i < keys * 2; ++i) {
      const std::string key = "key:" + std::to_string(random() % static_cast<uint64_t>(keys));
      if (random() % 100 < inserting) {
        if (model.contains(key)) continue;
        const UnixMs at = random() % 3 == 0 ? 1000 + i : 0;
        insert(key, at);
        model[key] = at;
      } else {
        ASSERT_EQ(erase(key), model.erase(key) == 1);
      }
      if (random() % 512 == 0) table.rehashStep(random() % 100);
      ASSERT_EQ(table.size(), model.size());
    }
    table.checkInvariants();
    for (const auto& [key, at] : model) {
      const Table::Place place = table.find(ref(key));
      ASSERT_TRUE(place) << key;
      ASSERT_EQ(place.entry()->expireAt(), at);
      ASSERT_EQ(place.entry()->inlineValue(), "v" + key);
    }
    ASSERT_FALSE(table.find(ref("absent")));
    size_t visited = 0;
    table.forEach([&](const Entry& entry) { visited += model.contains(std::string(entry.key())); });
    ASSERT_EQ(visited, model.size());
  }
}

TEST_P(TableTest, ShrinksToOneBucketWhenEmptied) {
  const size_t small = table.memory();
  for (int i = 0; i < 3000; ++i) insert("k" + std::to_string(i));
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(erase("k" + std::to_string(i)));
  while (table.rehashStep(100)) {
  }
  EXPECT_EQ(table.bucketCount(), 1u);
  EXPECT_LE(table.memory(), small + 1000);
}

// SCAN's promise: whoever is there from the first call to the last is visited.
TEST_P(TableTest, ScanVisitsWhatStays) {
  const bool colliding = GetParam() != ~uint64_t{0};
  std::mt19937_64 random(5);
  for (int round = 0; round < (colliding ? 10 : 60); ++round) {
    std::set<std::string> staying;
    const size_t count = 1 + random() % (colliding ? 50 : 800);
    for (size_t i = 0; i < count; ++i) {
      const std::string key = "stay" + std::to_string(i);
      insert(key);
      staying.insert(key);
    }
    std::vector<std::string> others;
    auto change = [&](bool grow) {
      for (int i = 0; i < 40; ++i) {
        if (grow) {
          others.push_back("other" + std::to_string(random()));
          insert(others.back());
        } else if (!others.empty()) {
          ASSERT_TRUE(erase(others.back()));
          others.pop_back();
        }
      }
    };
    const uint64_t phase = random() % 40;
    const int before = static_cast<int>(random() % 50);
    for (int i = 0; i < before; ++i) change(true);
    std::set<std::string> seen;
    uint64_t cursor = 0;
    uint64_t step = 0;
    do {
      cursor = table.scan(cursor, [&](const Entry& entry) { seen.insert(std::string(entry.key())); });
      change(((step++ + phase) / 20) % 2 == 0);
      if (random() % 4 == 0) table.rehashStep(random() % 20);
    } while (cursor != 0);
    ASSERT_TRUE(std::includes(seen.begin(), seen.end(), staying.begin(), staying.end()));
    for (const auto& key : staying) erase(key);
    for (const auto& key : others) erase(key);
  }
}

TEST_P(TableTest, FindsExpiringEntriesByTheirHash) {
  for (int i = 0; i < 200; ++i) insert("k" + std::to_string(i), i % 2 == 0 ? 1000 : 0);
  for (int i = 0; i < 200; ++i) {
    const std::string key = "k" + std::to_string(i);
    bool found = false;
    table.visitExpiring(static_cast<uint32_t>(table.hashOf(key)), [&](const Entry& entry) {
      EXPECT_TRUE(entry.hasExpire());
      found = found || entry.key() == key;
    });
    EXPECT_EQ(found, i % 2 == 0) << key;
  }
}

TEST_P(TableTest, ReservedTableTakesItsEntriesWithoutGrowing) {
  table.reserve(10'000);
  const size_t buckets = table.bucketCount();
  for (int i = 0; i < 10'000; ++i) insert("k" + std::to_string(i));
  EXPECT_EQ(table.bucketCount(), buckets);
  table.checkInvariants();
}

INSTANTIATE_TEST_SUITE_P(Hashes, TableTest,
                         testing::Values(~uint64_t{0}, uint64_t{0}, uint64_t{7}, uint64_t{0xffff} << 48),
                         [](const auto& p) { return "Mask" + std::to_string(p.index); });

}  // namespace
}  // namespace vigil::keyspace
