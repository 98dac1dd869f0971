#include "wire/aof_manifest.h"

#include <gtest/gtest.h>

#include <string>

namespace vigil::wire {
namespace {

std::string errorOf(std::string_view content) {
  const auto manifest = parseAofManifest(content);
  return manifest ? "" : manifest.error().message;
}

std::string atLine(int number, const std::string& line, const std::string& what) {
  return "Reading the manifest file, at line " + std::to_string(number) + "\n>>> '" + line + "'\n" + what;
}

TEST(AofManifest, ReadsWhatRedisWrites) {
  const auto manifest = parseAofManifest(
      "file appendonly.aof.2.base.rdb seq 2 type b\n"
      "file appendonly.aof.1.incr.aof seq 1 type h\n"
      "file appendonly.aof.2.incr.aof seq 2 type i\n"
      "file appendonly.aof.5.incr.aof seq 5 type i\n");
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->base->name, "appendonly.aof.2.base.rdb");
  EXPECT_EQ(manifest->baseSequence(), 2);
  EXPECT_EQ(manifest->history.size(), 1u);
  EXPECT_EQ(manifest->incremental.size(), 2u);
  EXPECT_EQ(manifest->incrementalSequence(), 5);
  EXPECT_EQ(AofManifest{}.baseSequence(), 0);
  EXPECT_EQ(AofManifest{}.incrementalSequence(), 0);
}

TEST(AofManifest, CommentsBlanksCaseAndFurtherPairsAreTaken) {
  EXPECT_TRUE(parseAofManifest("# only a comment\n"));
  const auto manifest = parseAofManifest("# c\n  FILE \"a b\\x22\" Seq 1 tYpe i more 3 \r\n");
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->incremental.at(0), (AofFileInfo{"a b\"", 1, AofFileType::kIncremental}));
}

TEST(AofManifest, WhatWasWrittenComesBack) {
  AofManifest manifest;
  manifest.base = AofFileInfo{aofBaseName("my log.aof", 3, true), 3, AofFileType::kBase};
  manifest.history = {{aofBaseName("my log.aof", 2, false), 2, AofFileType::kHistory}};
  manifest.incremental = {{aofIncrementalName("my log.aof", 7), 7, AofFileType::kIncremental},
                          {aofIncrementalName("my log.aof", 8), 8, AofFileType::kIncremental}};
  const std::string content = formatAofManifest(manifest);
  EXPECT_EQ(content.substr(0, content.find('\n')), "file \"my log.aof.3.base.rdb\" seq 3 type b");
  EXPECT_EQ(parseAofManifest(content), manifest);
}

TEST(AofManifest, NamesAreRediss) {
  EXPECT_EQ(aofManifestName("appendonly.aof"), "appendonly.aof.manifest");
  EXPECT_EQ(aofBaseName("appendonly.aof", 1, true), "appendonly.aof.1.base.rdb");
  EXPECT_EQ(aofBaseName("appendonly.aof", 1, false), "appendonly.aof.1.base.aof");
  EXPECT_EQ(aofIncrementalName("appendonly.aof", 12), "appendonly.aof.12.incr.aof");
}

TEST(AofManifest, RefusesWhatRedisRefusesInItsWords) {
  const std::string invalid = "Invalid AOF manifest file format";
  EXPECT_EQ(errorOf(""), "Found an empty AOF manifest");
  EXPECT_EQ(errorOf("file a seq 1 type b"), "The AOF manifest file contains too long line");
  EXPECT_EQ(errorOf("file " + std::string(1100, 'a') + " seq 1 type b\n"),
            "The AOF manifest file contains too long line");
  EXPECT_EQ(errorOf("\n"), atLine(1, "", invalid));
  EXPECT_EQ(errorOf("file a seq 1 type x\n"), atLine(1, "file a seq 1 type x", "Unknown AOF file type"));
  for (const char* line : {"file a seq 0 type b", "file a seq 1", "file a seq x type b", "file a seq 1 type b extra",
                           "file \"a seq 1 type b", "file \"\" seq 1 type b", "seq 1 type b x y"}) {
    EXPECT_EQ(errorOf(std::string(line) + "\n"), atLine(1, line, invalid)) << line;
  }
  EXPECT_EQ(errorOf("file a/b seq 1 type b\n"),
            atLine(1, "file a/b seq 1 type b", "File can't be a path, just a filename"));
  EXPECT_EQ(errorOf("file a seq 1 type b\n# \nfile b seq 2 type b\n"),
            atLine(3, "file b seq 2 type b", "Found duplicate base file information"));
  EXPECT_EQ(errorOf("file a seq 2 type i\nfile b seq 2 type i\n"),
            atLine(2, "file b seq 2 type i", "Found a non-monotonic sequence number"));
}

}  // namespace
}  // namespace vigil::wire
