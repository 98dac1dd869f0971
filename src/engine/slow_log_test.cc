#include "engine/slow_log.h"

#include <gtest/gtest.h>

namespace vigil::engine {
namespace {

SlowLog::Entry taking(int64_t microseconds) {
  SlowLog::Entry entry;
  entry.microseconds = microseconds;
  return entry;
}

TEST(SlowLog, KeepsTheNewest) {
  SlowLog log;
  for (int64_t i = 0; i < 5; ++i) log.add(taking(i), 3);
  auto entries = log.newest(10);
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0]->id, 4);
  EXPECT_EQ(entries[2]->id, 2);
  EXPECT_EQ(log.newest(1).size(), 1u);
  log.reset();
  EXPECT_EQ(log.length(), 0u);
  log.add({}, 3);
  EXPECT_EQ(log.newest(1).front()->id, 5);
  log.add({}, 0);
  EXPECT_EQ(log.length(), 0u);
}

TEST(SlowLog, TrimsArgumentsAndHidesSecrets) {
  std::vector<std::string_view> args(40, "x");
  const std::string big(130, 'b');
  args[1] = big;
  const size_t hidden[] = {2, 5};
  auto kept = SlowLog::trim(args, hidden);
  ASSERT_EQ(kept.size(), 32u);
  EXPECT_EQ(kept[0], "x");
  EXPECT_EQ(kept[1], std::string(128, 'b') + "... (2 more bytes)");
  EXPECT_EQ(kept[2], "(redacted)");
  EXPECT_EQ(kept[30], "x");
  EXPECT_EQ(kept[31], "... (9 more arguments)");
  args.resize(32);
  EXPECT_EQ(SlowLog::trim(args, {}).back(), "x");
}

}  // namespace
}  // namespace vigil::engine
