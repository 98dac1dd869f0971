#include "persistence/aof_directory.h"

#include <gtest/gtest.h>

#include "base/log_line.h"
#include "persistence/memory_files.h"

namespace vigil::persistence {
namespace {

class NoLog final : public Logger {
  void write(LogLevel, std::string_view) override {}
};

class AofDirectoryTest : public testing::Test {
 protected:
  void base(std::string content) { files_["d/temp-rewriteaof-base.aof"] = std::move(content); }
  std::string manifest() { return files_["d/a.manifest"]; }

  MemoryFiles files_;
  NoLog logger_;
  AofDirectory directory_{files_, logger_, "d", "a"};
};

TEST_F(AofDirectoryTest, ARewriteReplacesBaseAndOldIncrements) {
  ASSERT_TRUE(directory_.open());
  EXPECT_TRUE(directory_.empty());
  base("one");
  ASSERT_TRUE(directory_.replaceBase(true, {}));
  ASSERT_TRUE(directory_.addIncrement());
  EXPECT_EQ(manifest(), "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n");
  auto second = directory_.addIncrement();
  base("two");
  ASSERT_TRUE(directory_.replaceBase(false, (*second)->name()));
  EXPECT_EQ(manifest(),
            "file a.2.base.aof seq 2 type b\nfile a.1.base.rdb seq 1 type h\nfile a.1.incr.aof seq 1 type h\n"
            "file a.2.incr.aof seq 2 type i\n");
  ASSERT_TRUE(directory_.removeHistory());
  EXPECT_EQ(manifest(), "file a.2.base.aof seq 2 type b\nfile a.2.incr.aof seq 2 type i\n");
  EXPECT_FALSE(files_.exists("d/a.1.base.rdb"));
  EXPECT_EQ(files_["d/a.2.base.aof"], "two");
}

TEST_F(AofDirectoryTest, ALogThatBeginsAnewCountsOnlyWithItsBase) {
  base("old");
  ASSERT_TRUE(directory_.replaceBase(true, {}));
  ASSERT_TRUE(directory_.addIncrement());
  const std::string before = manifest();
  auto increment = directory_.openTemporaryIncrement();
  ASSERT_TRUE(increment);
  EXPECT_EQ(manifest(), before);
  base("new");
  ASSERT_TRUE(directory_.startOver(true, **increment));
  EXPECT_EQ((*increment)->name(), "a.2.incr.aof");
  ASSERT_TRUE(directory_.removeHistory());
  EXPECT_EQ(manifest(), "file a.2.base.rdb seq 2 type b\nfile a.2.incr.aof seq 2 type i\n");
}

TEST_F(AofDirectoryTest, AFullDiskLeavesTheOldManifest) {
  base("old");
  ASSERT_TRUE(directory_.replaceBase(true, {}));
  const std::string before = manifest();
  files_.room = 3;
  EXPECT_FALSE(directory_.addIncrement());
  EXPECT_EQ(manifest(), before);
  files_.room = SIZE_MAX;
  EXPECT_TRUE(directory_.addIncrement());
}

TEST_F(AofDirectoryTest, AManifestInDoubtIsSettledBeforeNamesAreUsedAgain) {
  base("old");
  ASSERT_TRUE(directory_.replaceBase(true, {}));
  ASSERT_TRUE(directory_.addIncrement());
  const std::string before = manifest();
  auto next = directory_.createIncrement();
  ASSERT_TRUE(next);
  // The new manifest is in place, and may or may not be so after a power loss.
  files_.failFolderSyncs = true;
  EXPECT_FALSE(directory_.addToManifest((*next)->name()));
  EXPECT_NE(manifest(), before);
  base("new");
  EXPECT_FALSE(directory_.replaceBase(true, {}));
  EXPECT_FALSE(files_.exists("d/a.2.base.rdb"));
  EXPECT_FALSE(directory_.settle());
  files_.failFolderSyncs = false;
  EXPECT_TRUE(directory_.settle());
  EXPECT_EQ(manifest(), before);
}

TEST_F(AofDirectoryTest, AnOldFileMovesIn) {
  files_["a"] = "*1\r\n$4\r\nPING\r\n";
  ASSERT_TRUE(directory_.open());
  EXPECT_EQ(manifest(), "file a seq 1 type b\n");
  EXPECT_TRUE(files_.exists("d/a"));
  EXPECT_FALSE(files_.exists("a"));
  EXPECT_EQ(directory_.nextBaseName(true), "a.2.base.rdb");
}

TEST_F(AofDirectoryTest, ABrokenManifestIsNamed) {
  files_["d/a.manifest"] = "nonsense\n";
  auto opened = directory_.open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("a.manifest"), std::string::npos);
}

}  // namespace
}  // namespace vigil::persistence
