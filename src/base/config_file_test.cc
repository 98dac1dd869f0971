#include "base/config_file.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <set>

#include "base/ports/files.h"

namespace vigil {
namespace {

class TextFile final : public File {
 public:
  explicit TextFile(const std::string& text) : text_(text) {}
  Result<size_t> readAt(uint64_t offset, std::span<char> into) override {
    return text_.copy(into.data(), into.size(), offset);
  }
  Status append(std::span<const std::string_view>) override { return fail("read only"); }
  Status sync() override { return {}; }
  Result<uint64_t> size() override { return text_.size(); }
  Status truncate(uint64_t) override { return fail("read only"); }

 private:
  const std::string& text_;
};

// Files that can only be read, by path.
class TextFiles final : public FileSystem {
 public:
  std::map<std::string, std::string> texts;

  Result<std::unique_ptr<File>> open(const std::string& path, Open, uint32_t) override {
    auto found = texts.find(path);
    if (found == texts.end()) return fail("cannot open " + path, ENOENT);
    return std::make_unique<TextFile>(found->second);
  }
  bool exists(const std::string& path) override { return texts.contains(path); }
  Result<std::vector<std::string>> list(const std::string& dir) override {
    std::string prefix = dir == "." ? "" : dir;
    std::set<std::string> names;
    for (const auto& [path, text] : texts) {
      if (path.starts_with(prefix))
        names.insert(path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size()));
    }
    return std::vector<std::string>(names.begin(), names.end());
  }
  Status rename(const std::string&, const std::string&) override { return fail("read only"); }
  Status remove(const std::string&) override { return fail("read only"); }
  Status makeDir(const std::string&) override { return fail("read only"); }
  Status syncDir(const std::string&) override { return {}; }
};

class ConfigFileTest : public testing::Test {
 protected:
  // Every directive read, as name(word,word), with a > in front once an included file has ended; `bad` is refused.
  std::string load(const std::string& file, std::optional<std::string_view> input, std::string_view options) {
    std::string seen;
    ConfigReader reader(files_, [&](const std::string& name, std::span<const std::string> words, bool afterInclude) -> Status {
      if (name == "bad") return fail("Bad directive or wrong number of arguments");
      if (afterInclude) seen += '>';
      seen += name + "(";
      for (const std::string& word : words) seen += "[" + word + "]";
      seen += ")";
      return {};
    });
    auto loaded = reader.load(file, input, options);
    if (loaded) return seen;
    const ConfigLoadError& error = loaded.error();
    return error.place ? fatalConfigText("7.2.4", error.problem, error.place) : error.problem;
  }

  TextFiles files_;
};

TEST_F(ConfigFileTest, ReadsLinesOfDirectives) {
  files_.texts["a.conf"] = "# comment\r\n\n  PORT   7000 \r\nsave 900 1\n\t#x\nrequirepass \"a b\"\nappendonly yes";
  EXPECT_EQ(load("a.conf", std::nullopt, ""), "port([7000])save([900][1])requirepass([a b])appendonly([yes])");
  files_.texts["empty.conf"] = "";
  EXPECT_EQ(load("empty.conf", std::nullopt, ""), "");
}

TEST_F(ConfigFileTest, FileThenStandardInputThenCommandLine) {
  files_.texts["a.conf"] = "port 1\n";
  EXPECT_EQ(load("a.conf", "port 2", "port \"3\""), "port([1])port([2])port([3])");
}

TEST_F(ConfigFileTest, ProblemsNameFileLineAndText) {
  files_.texts["a.conf"] = "port 1\n  bad thing \nport 2\n";
  EXPECT_EQ(load("a.conf", std::nullopt, ""),
            "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n"
            "Reading the configuration file, at line 2\n"
            ">>> 'bad thing'\n"
            "Bad directive or wrong number of arguments\n"
            "(in a.conf)\n");
  files_.texts["b.conf"] = "\n\nport \"1\n";
  EXPECT_EQ(load("b.conf", std::nullopt, ""),
            "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n"
            "Reading the configuration file, at line 3\n"
            ">>> 'port \"1'\n"
            "Unbalanced quotes in configuration line\n"
            "(in b.conf)\n");
  EXPECT_EQ(fatalConfigText("7.2.4", "replicaof directive not allowed in cluster mode"),
            "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\nreplicaof directive not allowed in cluster mode\n");
}

// Redis counts on from the file through standard input to the command line.
TEST_F(ConfigFileTest, LinesAreNumberedThrough) {
  files_.texts["a.conf"] = "port 7392\n";
  EXPECT_NE(load("a.conf", std::nullopt, "bad \"bar\" ").find("at line 3\n>>> 'bad \"bar\"'"), std::string::npos);
  EXPECT_NE(load("", std::nullopt, "port 1\nbad").find("at line 3\n>>> 'bad'"), std::string::npos);
  EXPECT_NE(load("", "bad\n", "").find("at line 1\n>>> 'bad'"), std::string::npos);
}

TEST_F(ConfigFileTest, IncludesFilesAndPatterns) {
  files_.texts = {{"a.conf", "one 1\ninclude d/b.conf\ntwo 2\ninclude d/*.inc\ninclude d/none*\n"},
                  {"d/b.conf", "three 3"},
                  {"d/y.inc", "y 1"},
                  {"d/x.inc", "x 1"},
                  {"d/.hidden.inc", "bad"},
                  {"d/e/z.inc", "bad"}};
  EXPECT_EQ(load("a.conf", std::nullopt, ""), "one([1])three([3])>two([2])x([1])y([1])");
  files_.texts["d/b.conf"] = "x 1\nbad";
  EXPECT_NE(load("a.conf", std::nullopt, "")
                .find("at line 2\n>>> 'bad'\nBad directive or wrong number of arguments\n"
                      "(in d/b.conf)"),
            std::string::npos);
}

TEST_F(ConfigFileTest, AMissingFileIsNamed) {
  EXPECT_EQ(load("/nope.conf", std::nullopt, ""),
            "Fatal error, can't open config file '/nope.conf': No such file or directory");
  EXPECT_EQ(load("", "include /nope.conf", ""),
            "Fatal error, can't open config file '/nope.conf': No such file or directory");
}

TEST_F(ConfigFileTest, AFileThatIncludesItselfIsRefused) {
  files_.texts["a.conf"] = "include a.conf\ninclude a.conf\n";
  EXPECT_NE(load("a.conf", std::nullopt, "").find("Too many nested include directives"), std::string::npos);
}

TEST_F(ConfigFileTest, GlobsLikeTheShell) {
  files_.texts = {{"/etc/r/a.conf", ""}, {"/etc/r/b.conf", ""}, {"/etc/s/a.conf", ""}, {"/etc/a.conf", ""}};
  EXPECT_EQ(globPaths(files_, "/etc/*/a.conf"), (std::vector<std::string>{"/etc/r/a.conf", "/etc/s/a.conf"}));
  EXPECT_EQ(globPaths(files_, "/etc/r/[b-z].conf"), (std::vector<std::string>{"/etc/r/b.conf"}));
  EXPECT_EQ(globPaths(files_, "/none/*"), std::vector<std::string>());
}

CommandLine parse(std::vector<std::string> arguments) { return parseCommandLine(arguments); }

TEST(CommandLine, MakesLinesOfOptions) {
  auto line = parse({"r.conf", "--port", "7000", "--save", "900", "1", "--replicaof", "127.0.0.1 6379"});
  EXPECT_EQ(line.configFile, "r.conf");
  EXPECT_FALSE(line.readsStdin);
  EXPECT_EQ(line.optionLines, "port \"7000\" \nsave \"900\" \"1\" \nreplicaof \"127.0.0.1 6379\" ");
  EXPECT_EQ(parse({"--port 7000", "--hz", "5"}).optionLines, "port 7000 \nhz \"5\" ");
}

TEST(CommandLine, AValueMayBeginWithDashes) {
  EXPECT_EQ(parse({"--masterauth", "--secret", "--port", "1"}).optionLines, "masterauth \"--secret\" \nport \"1\" ");
}

TEST(CommandLine, SaveAloneIsAnEmptySave) {
  EXPECT_EQ(parse({"--save"}).optionLines, "save \"\"");
  EXPECT_EQ(parse({"--save", "--port", "1"}).optionLines, "save \"\"\nport \"1\" ");
  EXPECT_EQ(parse({"--save", ""}).optionLines, "save \"\" ");
  EXPECT_EQ(parse({"s.conf", "--sentinel", "--port", "1"}).optionLines, "sentinel \nport \"1\" ");
}

TEST(CommandLine, ALoneDashIsStandardInput) {
  EXPECT_TRUE(parse({"-"}).readsStdin);
  EXPECT_TRUE(parse({"r.conf", "--port", "1", "-"}).readsStdin);
  EXPECT_TRUE(parse({"-", "--port", "1"}).readsStdin);
  EXPECT_FALSE(parse({"--masterauth", "-", "--port", "1"}).readsStdin);
  EXPECT_EQ(parse({"-x"}).optionLines, "\"-x\" ");
  EXPECT_EQ(parse({}).optionLines, "");
}

}  // namespace
}  // namespace vigil
