#include "command/spec.h"

#include <gtest/gtest.h>

#include <optional>

namespace vigil::command {
namespace {

using Words = std::vector<std::string_view>;
using Positions = std::vector<int>;

std::optional<Positions> keysOf(const CommandSpec& spec, const Words& args) {
  std::vector<KeyPosition> keys = {{99, 0}};
  if (!findKeys(spec, args, keys)) {
    EXPECT_TRUE(keys.empty());
    return std::nullopt;
  }
  Positions positions;
  for (const KeyPosition& key : keys) positions.push_back(key.argument);
  return positions;
}

CommandSpec withKeys(std::span<const KeySpec> keys) { return {.name = "x", .arity = -2, .keys = keys}; }

TEST(FindKeys, Ranges) {
  const KeySpec one[] = {{.flags = kKeyRO}};
  EXPECT_EQ(keysOf(withKeys(one), {"get", "k"}), Positions({1}));
  EXPECT_EQ(keysOf(withKeys(one), {"get"}), std::nullopt);
  const KeySpec pairs[] = {{.last = -1, .step = 2}};
  EXPECT_EQ(keysOf(withKeys(pairs), {"mset", "a", "1", "b", "2"}), Positions({1, 3}));
  const KeySpec allButLast[] = {{.last = -2}};
  EXPECT_EQ(keysOf(withKeys(allButLast), {"blpop", "a", "b", "0"}), Positions({1, 2}));
  EXPECT_EQ(keysOf(withKeys(allButLast), {"blpop", "0"}), std::nullopt);
  const KeySpec two[] = {{.index = 1}, {.index = 2}};
  EXPECT_EQ(keysOf(withKeys(two), {"lmove", "a", "b", "LEFT", "LEFT"}), Positions({1, 2}));
}

TEST(FindKeys, CountedKeys) {
  const KeySpec counted[] = {{.index = 1, .find = KeySpec::Find::kKeynum, .last = 0, .limit = 1}};
  EXPECT_EQ(keysOf(withKeys(counted), {"lmpop", "2", "a", "b", "LEFT"}), Positions({2, 3}));
  EXPECT_EQ(keysOf(withKeys(counted), {"lmpop", "9", "a", "b"}), std::nullopt);
  EXPECT_EQ(keysOf(withKeys(counted), {"lmpop", "0", "a"}), std::nullopt);
  EXPECT_EQ(keysOf(withKeys(counted), {"lmpop", "-1", "a"}), std::nullopt);
  EXPECT_EQ(keysOf(withKeys(counted), {"lmpop", "x", "a"}), std::nullopt);
  EXPECT_EQ(keysOf(withKeys(counted), {"lmpop", "9223372036854775807", "a"}), std::nullopt);
  EXPECT_EQ(keysOf(withKeys(counted), {"lmpop"}), std::nullopt);
}

TEST(FindKeys, KeysBehindAKeyword) {
  const KeySpec streams[] = {
      {.begin = KeySpec::Begin::kKeyword, .index = 1, .keyword = "STREAMS", .last = -1, .limit = 2}};
  EXPECT_EQ(keysOf(withKeys(streams), {"xread", "count", "2", "streams", "a", "b", "0", "0"}), Positions({4, 5}));
  EXPECT_EQ(keysOf(withKeys(streams), {"xread", "count", "2"}), Positions({}));
  const KeySpec fromEnd[] = {{.begin = KeySpec::Begin::kKeyword, .index = -2, .keyword = "KEYS", .last = -1}};
  EXPECT_EQ(keysOf(withKeys(fromEnd), {"migrate", "h", "1", "", "0", "9", "keys", "a", "b"}), Positions({7, 8}));
}

bool lastIsKey(std::span<const std::string_view> args, std::vector<KeyPosition>& keys) {
  keys.push_back({static_cast<int>(args.size()) - 1, kKeyOW});
  return true;
}

TEST(FindKeys, AFunctionTellsWhatSpecificationsCannot) {
  CommandSpec spec{.name = "x", .arity = -2, .findKeys = lastIsKey};
  EXPECT_EQ(keysOf(spec, {"x", "a", "b"}), Positions({2}));
  const KeySpec known[] = {{.index = 1}};
  spec.keys = known;
  EXPECT_EQ(keysOf(spec, {"x", "a", "b"}), Positions({1}));
  const KeySpec variable[] = {{.flags = kKeyVariableFlags, .index = 1}};
  spec.keys = variable;
  EXPECT_EQ(keysOf(spec, {"x", "a", "b"}), Positions({2}));
  const KeySpec incomplete[] = {{.flags = kKeyIncomplete, .index = 1}};
  spec.keys = incomplete;
  EXPECT_EQ(keysOf(spec, {"x", "a", "b"}), Positions({2}));
}

TEST(FindKeys, ACommandWithoutKeysHasNone) {
  EXPECT_EQ(keysOf({.name = "ping", .arity = -1}, {"ping"}), Positions({}));
  const KeySpec channel[] = {{.flags = kKeyNotKey, .last = -1}};
  EXPECT_EQ(keysOf(withKeys(channel), {"ssubscribe", "a"}), Positions({}));
}

}  // namespace
}  // namespace vigil::command
