#include "persistence/rdb_file_target.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/ports/files.h"

namespace vigil::persistence {
namespace {

// Files in memory that tell what was done to them in which order.
class RecordingFiles final : public FileSystem {
 public:
  class Handle final : public File {
   public:
    Handle(RecordingFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
    Result<size_t> readAt(uint64_t, std::span<char>) override { return fail("not here"); }
    Status append(std::span<const std::string_view> pieces) override {
      for (auto piece : pieces) {
        if (files_.content[path_].size() + piece.size() > files_.room) return fail("No space left on device");
        files_.content[path_] += piece;
      }
      return {};
    }
    Status sync() override {
      files_.calls.push_back("sync " + path_ + " " + std::to_string(files_.content[path_].size()));
      return {};
    }
    Result<uint64_t> size() override { return files_.content[path_].size(); }
    Status truncate(uint64_t) override { return {}; }

   private:
    RecordingFiles& files_;
    const std::string path_;
  };

  Result<std::unique_ptr<File>> open(const std::string& path, Open, uint32_t) override {
    content[path].clear();
    return std::make_unique<Handle>(*this, path);
  }
  bool exists(const std::string& path) override { return content.contains(path); }
  Status rename(const std::string& from, const std::string& to) override {
    calls.push_back("rename " + from + " " + to);
    content[to] = content[from];
    content.erase(from);
    return {};
  }
  Status remove(const std::string& path) override {
    content.erase(path);
    return {};
  }
  Status makeDir(const std::string&) override { return {}; }
  Result<std::vector<std::string>> list(const std::string&) override { return std::vector<std::string>{}; }
  Status syncDir(const std::string& dir) override {
    calls.push_back("syncDir " + dir);
    return {};
  }

  std::map<std::string, std::string> content;
  std::vector<std::string> calls;
  size_t room = SIZE_MAX;
};

TEST(RdbFileTargetTest, TakesTheOldFilesPlaceWhenItIsDurable) {
  RecordingFiles files;
  files.content["dump.rdb"] = "old";
  RdbFileTarget target(files, {.path = "dump.rdb", .temporary = "temp-1.rdb"});
  EXPECT_TRUE(target.append("new ").has_value());
  EXPECT_TRUE(target.append("bytes").has_value());
  EXPECT_EQ(files.content["dump.rdb"], "old");
  EXPECT_TRUE(target.finish().has_value());
  EXPECT_EQ(files.content, (std::map<std::string, std::string>{{"dump.rdb", "new bytes"}}));
  EXPECT_EQ(files.calls, (std::vector<std::string>{"sync temp-1.rdb 9", "rename temp-1.rdb dump.rdb", "syncDir ."}));
}

// rdb-save-incremental-fsync, aof-rewrite-incremental-fsync.
TEST(RdbFileTargetTest, SyncsInPieces) {
  for (bool incremental : {true, false}) {
    RecordingFiles files;
    RdbFileTarget target(files, {.path = "a/b.rdb", .temporary = "a/temp.rdb", .incrementalSync = incremental});
    for (int i = 0; i < 9; ++i) EXPECT_TRUE(target.append(std::string(1 << 20, 'x')).has_value());
    EXPECT_EQ(files.calls.size(), incremental ? 2u : 0u);
    EXPECT_TRUE(target.finish().has_value());
    EXPECT_EQ(files.calls.back(), "syncDir a/");
  }
}

TEST(RdbFileTargetTest, LeavesTheOldFileAndNoOtherAfterAnError) {
  RecordingFiles files;
  files.content["dump.rdb"] = "old";
  files.room = 10;
  RdbFileTarget target(files, {.path = "dump.rdb", .temporary = "temp-1.rdb"});
  EXPECT_EQ(target.append(std::string(20, 'x')).error().message,
            "Write error saving DB on disk: No space left on device");
  target.abandon();
  EXPECT_EQ(files.content, (std::map<std::string, std::string>{{"dump.rdb", "old"}}));
}

}  // namespace
}  // namespace vigil::persistence
