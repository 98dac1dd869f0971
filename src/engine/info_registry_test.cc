#include "engine/info_registry.h"

#include <gtest/gtest.h>

namespace vigil::engine {
namespace {

TEST(InfoRegistry, WritesSectionsInRedissOrderWhateverTheOrderOfRegistration) {
  InfoRegistry info;
  info.add("keyspace", "databases", [](InfoWriter& out) { out.field("db0", "keys=1"); });
  info.add("server", "identity", [](InfoWriter& out) { out.number("hz", 10); });
  EXPECT_EQ(info.write({"keyspace", "SERVER", "nonsense"}), "# Server\r\nhz:10\r\n\r\n# Keyspace\r\ndb0:keys=1\r\n");
  EXPECT_EQ(info.write({"nonsense"}), "");
}

TEST(InfoRegistry, AnOwnerTakesThePlaceOfThePartOfItsName) {
  InfoRegistry info;
  info.add("persistence", "rdb", [](InfoWriter& out) { out.number("rdb_saves", 0); });
  info.add("persistence", "aof", [](InfoWriter& out) { out.number("aof_enabled", 0); });
  info.add("persistence", "rdb", [](InfoWriter& out) { out.number("rdb_saves", 7); });
  EXPECT_EQ(info.write({"persistence"}), "# Persistence\r\nrdb_saves:7\r\naof_enabled:0\r\n");
}

TEST(InfoRegistry, StatisticsOfCommandsAreNoDefault) {
  InfoRegistry info;
  EXPECT_EQ(info.write({}).find("Commandstats"), std::string::npos);
  EXPECT_NE(info.write({}).find("# Errorstats"), std::string::npos);
  EXPECT_NE(info.write({"all"}).find("# Commandstats"), std::string::npos);
  EXPECT_EQ(info.write({"default"}), info.write({}));
}

TEST(InfoWriter, FormatsAsRedisDoes) {
  std::string text;
  InfoWriter info(text);
  info.size("used_memory", 916376);
  info.fixed("ratio", 1.0849, 2);
  info.percent("perc", 99.5);
  EXPECT_EQ(text, "used_memory:916376\r\nused_memory_human:894.90K\r\nratio:1.08\r\nperc:99.50%\r\n");
  EXPECT_EQ(humanSize(0), "0B");
  EXPECT_EQ(humanSize(1023), "1023B");
  EXPECT_EQ(humanSize(1 << 20), "1.00M");
  EXPECT_EQ(humanSize(25276502016), "23.54G");
}

}  // namespace
}  // namespace vigil::engine
