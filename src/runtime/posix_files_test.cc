#include "runtime/posix_files.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "runtime/test_machine.h"

namespace vigil::runtime {
namespace {

class PosixFilesTest : public testing::Test {
 protected:
  std::unique_ptr<File> open(const std::string& path, FileSystem::Open how) {
    auto file = files_.open(path, how, 0644);
    EXPECT_TRUE(file) << file.error().message;
    return file ? std::move(*file) : nullptr;
  }

  PosixFileSystem files_;
  TemporaryFolder folder_;
};

TEST_F(PosixFilesTest, AppendsReadsAndTruncates) {
  auto file = open(folder_ / "a", FileSystem::Open::kCreateEmpty);
  const std::string_view pieces[] = {"hello ", "", "world"};
  ASSERT_TRUE(file->append(pieces));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(file->size().value(), 11u);
  char bytes[32];
  EXPECT_EQ(file->readAt(6, bytes).value(), 5u);
  EXPECT_EQ(std::string_view(bytes, 5), "world");
  EXPECT_EQ(file->readAt(11, bytes).value(), 0u);
  ASSERT_TRUE(file->truncate(5));
  ASSERT_TRUE(file->append("!"));
  EXPECT_EQ(readWholeFile(files_, folder_ / "a").value(), "hello!");
}

TEST_F(PosixFilesTest, OpensToAppendOrToStartAnew) {
  ASSERT_TRUE(open(folder_ / "a", FileSystem::Open::kAppendOrCreate)->append("one"));
  ASSERT_TRUE(open(folder_ / "a", FileSystem::Open::kAppendOrCreate)->append("two"));
  EXPECT_EQ(readWholeFile(files_, folder_ / "a").value(), "onetwo");
  open(folder_ / "a", FileSystem::Open::kCreateEmpty);
  EXPECT_EQ(readWholeFile(files_, folder_ / "a").value(), "");
}

TEST_F(PosixFilesTest, WritesAnyNumberOfPieces) {
  std::vector<std::string> texts;
  std::string all;
  for (int i = 0; i < 1000; ++i) all += texts.emplace_back(std::to_string(i) + ",");
  const std::vector<std::string_view> pieces(texts.begin(), texts.end());
  ASSERT_TRUE(open(folder_ / "a", FileSystem::Open::kCreateEmpty)->append(pieces));
  EXPECT_EQ(readWholeFile(files_, folder_ / "a").value(), all);
}

TEST_F(PosixFilesTest, AFullDiskIsAnErrorThatNamesIt) {
  auto full = open("/dev/full", FileSystem::Open::kAppendOrCreate);
  auto written = full->append("x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ENOSPC);
  EXPECT_EQ(written.error().message, "write /dev/full: No space left on device");
}

TEST_F(PosixFilesTest, MissingThingsAreErrorsWithTheirNames) {
  const std::string path = folder_ / "missing";
  auto file = files_.open(path, FileSystem::Open::kRead, 0);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ENOENT);
  EXPECT_EQ(file.error().message, "open " + path + ": No such file or directory");
  EXPECT_EQ(files_.remove(path).error().code, ENOENT);
  EXPECT_EQ(files_.rename(path, path + "2").error().code, ENOENT);
  EXPECT_EQ(files_.list(path).error().code, ENOENT);
  EXPECT_EQ(files_.syncDir(path).error().code, ENOENT);
  EXPECT_EQ(files_.makeDir(path + "/deep").error().code, ENOENT);
  EXPECT_FALSE(files_.exists(path));
}

TEST_F(PosixFilesTest, Folders) {
  ASSERT_TRUE(files_.makeDir(folder_ / "dir"));
  ASSERT_TRUE(files_.makeDir(folder_ / "dir"));
  open(folder_ / "b", FileSystem::Open::kCreateEmpty);
  open(folder_ / "a", FileSystem::Open::kCreateEmpty);
  EXPECT_EQ(files_.list(folder_.path()).value(), (std::vector<std::string>{"a", "b", "dir"}));
  EXPECT_EQ(files_.makeDir(folder_ / "a").error().code, EEXIST);
  EXPECT_TRUE(files_.syncDir(folder_.path()));
}

TEST_F(PosixFilesTest, ReplacesAFileDurably) {
  const std::string path = folder_ / "state";
  ASSERT_TRUE(replaceFileDurably(files_, path, "old"));
  ASSERT_TRUE(replaceFileDurably(files_, path, "new"));
  EXPECT_EQ(readWholeFile(files_, path).value(), "new");
  EXPECT_EQ(files_.list(folder_.path()).value(), (std::vector<std::string>{"state"}));
}

}  // namespace
}  // namespace vigil::runtime
