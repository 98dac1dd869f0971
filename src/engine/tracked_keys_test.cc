#include "engine/tracked_keys.h"

#include <gtest/gtest.h>

#include <set>

namespace vigil::engine {
namespace {

using Clients = std::vector<uint64_t>;
using Added = TrackedKeys::Added;

TEST(TrackedKeysTest, KeysRememberWhoCachesThemUntilTheyChange) {
  TrackedKeys keys;
  EXPECT_EQ(keys.add("a", 7), Added::kKeyAndClient);
  EXPECT_EQ(keys.add("a", 3), Added::kClient);
  EXPECT_EQ(keys.add("a", 7), Added::kNothing);
  EXPECT_EQ(keys.add("b", 7), Added::kKeyAndClient);
  EXPECT_EQ(keys.take("a"), (Clients{3, 7}));
  EXPECT_EQ(keys.take("a"), Clients());
  EXPECT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys.add("b", 3), Added::kClient);
  EXPECT_EQ(keys.clear(), 2u);
  EXPECT_TRUE(keys.empty());
}

TEST(TrackedKeysTest, EachKeyIsAVictimInTurn) {
  TrackedKeys keys;
  std::set<std::string> all;
  for (int i = 0; i < 5000; ++i) all.insert("key" + std::to_string(i));
  for (const std::string& key : all) keys.add(key, 1);
  std::set<std::string> victims;
  while (auto victim = keys.victim("key77")) {
    EXPECT_TRUE(victims.insert(*victim).second);
    keys.take(*victim);
  }
  all.erase("key77");
  EXPECT_EQ(victims, all);
  EXPECT_EQ(keys.size(), 1u);
}

TEST(TrackedKeysTest, NoVictimAmongNone) {
  TrackedKeys keys;
  EXPECT_FALSE(keys.victim("a"));
  keys.add("a", 1);
  EXPECT_FALSE(keys.victim("a"));
  EXPECT_EQ(keys.victim("b"), "a");
  EXPECT_EQ(keys.victim(std::nullopt), "a");
}

}  // namespace
}  // namespace vigil::engine
