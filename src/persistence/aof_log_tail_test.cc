#include "persistence/aof_log_tail.h"

#include <gtest/gtest.h>

#include "wire/resp_writer.h"

namespace vigil::persistence {
namespace {

std::string record(std::initializer_list<std::string_view> words) {
  std::string text;
  wire::encodeCommand(words, text);
  return text;
}

TEST(AofLogTail, KeepsWholePiecesAndFindsUnits) {
  const std::string set = record({"SET", "k", "v"});
  const std::string unit = record({"MULTI"}) + record({"INCR", "a"}) + record({"EXEC"});
  AofLogTail tail(set.size() + unit.size());
  tail.begin(1000);
  for (int i = 0; i < 5; ++i) tail.add(set);
  tail.add(unit + set);
  EXPECT_EQ(tail.end(), 1000 + static_cast<oplog::Offset>(6 * set.size() + unit.size()));
  std::string bytes;
  std::vector<uint32_t> starts;
  tail.collect(bytes, starts);
  EXPECT_EQ(bytes, unit + set);
  EXPECT_EQ(starts, (std::vector<uint32_t>{0, static_cast<uint32_t>(unit.size())}));
  EXPECT_EQ(tail.start(), tail.end() - static_cast<oplog::Offset>(bytes.size()));
}

TEST(AofLogTail, AGapForgets) {
  const std::string set = record({"SET", "k", "v"});
  AofLogTail tail(1 << 20);
  tail.begin(0);
  tail.add(set);
  tail.begin(static_cast<oplog::Offset>(set.size()));  // the next file goes on there
  tail.add(set);
  EXPECT_EQ(tail.start(), 0);
  tail.begin(5000);
  EXPECT_TRUE(tail.empty());
  tail.add(set);
  tail.skip(100);
  EXPECT_TRUE(tail.empty());
  EXPECT_EQ(tail.end(), 5100 + static_cast<oplog::Offset>(set.size()));
}

}  // namespace
}  // namespace vigil::persistence
