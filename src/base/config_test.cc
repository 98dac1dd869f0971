#include "base/config.h"

#include <gtest/gtest.h>

#include <climits>

#include "base/config_specials.h"

namespace vigil {
namespace {

enum class Policy : int { kNone = 0, kAll = 3 };

// An owner as those of the server are: values, and rows over them.
class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    registry_.add({.name = "appendonly", .deniedWhileLoading = true, .apply = [this] { return apply("appendonly"); }},
                  boolOption(appendOnly_));
    registry_.add({.name = "replica-priority", .alias = "slave-priority"}, integerOption(priority_, {0, INT_MAX}));
    registry_.add({.name = "maxmemory", .apply = [this] { return apply("maxmemory"); }}, memoryOption(maxMemory_));
    registry_.add({.name = "maxmemory-clients"}, integerOption(clients_, {.form = IntegerForm::kPercentOrMemory}));
    registry_.add({.name = "policy"}, enumOption(policy_, {{"noeviction", 0}, {"allkeys-lru", 3}}));
    registry_.add({.name = "databases", .immutable = true}, integerOption(databases_, {1, INT_MAX}));
    registry_.add({.name = "requirepass", .sensitive = true}, stringOption(password_));
    registry_.add({.name = "unixsocketperm", .immutable = true},
                  integerOption(permissions_, {.min = 0, .max = 0777, .form = IntegerForm::kOctal}));
    registry_.add({.name = "dir", .isProtected = true}, stringOption(dir_, [](const std::string& path) -> Status {
                    return path.empty() ? fail("No such file or directory") : Status();
                  }));
    registry_.add({.name = "key-load-delay", .hidden = true}, integerOption(delay_, {INT_MIN, INT_MAX}));
    registry_.add({.name = "save"}, savePointsOption(save_));
    registry_.add({.name = "shutdown-on-sigint"},
                  flagsOption({[this] { return shutdown_; }, [this](int v) { shutdown_ = v; }},
                              {{"default", 0}, {"save", 1}, {"nosave", 2}, {"now", 4}}, [](int flags) -> Status {
                                if ((flags & 3) != 3) return {};
                                return fail("shutdown options SAVE and NOSAVE can't be used simultaneously");
                              }));
    registry_.addDirective({.name = "user",
                            .minWords = 1,
                            .load =
                                [this](std::span<const std::string> words) {
                                  users_.emplace_back(words[0]);
                                  return Status();
                                },
                            .rewrite =
                                [this] {
                                  RewriteOption option{"user", {}};
                                  for (const std::string& user : users_) option.lines.push_back({"user " + user, true});
                                  return std::vector<RewriteOption>{option};
                                }});
    registry_.addDirective({.name = "list-max-ziplist-value", .minWords = 1, .maxWords = 1, .obsolete = true});
  }

  Status apply(const std::string& name) {
    applied_ += name + " ";
    return name == refused_ ? fail("cannot") : Status();
  }
  // The reply, without the - of an error.
  std::string set(std::vector<ConfigRegistry::Pair> pairs, ConfigSetContext context = {}) {
    auto done = registry_.set(pairs, context);
    return done ? "OK" : done.error().message;
  }
  std::string setOne(const std::string& name, const std::string& value) { return set({{name, value}}); }
  std::string get(std::vector<std::string> patterns) {
    std::string text;
    for (const auto& [name, value] : registry_.get(patterns)) text += name + "=" + value + ";";
    return text;
  }
  std::string load(const std::string& name, std::vector<std::string> words) {
    auto done = registry_.loadDirective(name, words);
    return done ? "OK" : done.error().message;
  }

  std::atomic<bool> appendOnly_{false};
  std::atomic<int> priority_{100};
  std::atomic<uint64_t> maxMemory_{0};
  std::atomic<int64_t> clients_{0};
  std::atomic<Policy> policy_{Policy::kNone};
  std::atomic<int> databases_{16}, permissions_{0}, delay_{0};
  SharedString password_, dir_{"/"};
  Shared<SavePoints> save_{kDefaultSavePoints};
  int shutdown_ = 0;
  std::vector<std::string> users_;
  std::string applied_, refused_;
  ConfigRegistry registry_;
};

std::string problemWith(const std::string& name, const std::string& problem) {
  return "ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + problem;
}

// Texts of redis-server 7.0.15.
TEST_F(ConfigTest, RefusesWithRedissTexts) {
  EXPECT_EQ(setOne("nosuch", "1"), "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'");
  EXPECT_EQ(setOne("user", "x"), "ERR Unknown option or number of arguments for CONFIG SET - 'user'");
  EXPECT_EQ(setOne("Maxmemory", "1x"), problemWith("maxmemory", "argument must be a memory value"));
  EXPECT_EQ(setOne("slave-priority", "-4"),
            problemWith("slave-priority", "argument must be between 0 and 2147483647 inclusive"));
  EXPECT_EQ(setOne("replica-priority", "abc"),
            problemWith("replica-priority", "argument couldn't be parsed into an integer"));
  EXPECT_EQ(setOne("appendonly", "maybe"), problemWith("appendonly", "argument must be 'yes' or 'no'"));
  EXPECT_EQ(setOne("policy", "x"),
            problemWith("policy", "argument(s) must be one of the following: noeviction, allkeys-lru"));
  EXPECT_EQ(setOne("maxmemory-clients", "150%"),
            problemWith("maxmemory-clients", "percentage argument must be less or equal to 100"));
  EXPECT_EQ(setOne("maxmemory-clients", "x"),
            problemWith("maxmemory-clients", "argument must be a memory or percent value"));
  EXPECT_EQ(setOne("databases", "3"), problemWith("databases", "can't set immutable config"));
  EXPECT_EQ(set({{"dir", "/x"}}, {.mayChangeProtected = false}), problemWith("dir", "can't set protected config"));
  EXPECT_EQ(set({{"maxmemory", "1mb"}, {"MAXMEMORY", "2mb"}}), problemWith("MAXMEMORY", "duplicate parameter"));
  EXPECT_EQ(set({{"appendonly", "yes"}}, {.loading = true}), "LOADING Redis is loading the dataset in memory");
  EXPECT_EQ(setOne("save", "60  100"), problemWith("save", "Invalid save parameters"));
  EXPECT_EQ(setOne("shutdown-on-sigint", "foo"),
            problemWith("shutdown-on-sigint", "argument(s) must be one of the following: default, save, nosave, now"));
  EXPECT_EQ(setOne("shutdown-on-sigint", ""),
            problemWith("shutdown-on-sigint", "argument(s) must be one of the following: default, save, nosave, now"));
  EXPECT_EQ(setOne("shutdown-on-sigint", "save nosave"),
            problemWith("shutdown-on-sigint", "shutdown options SAVE and NOSAVE can't be used simultaneously"));
  EXPECT_EQ(load("unixsocketperm", {"9"}), "argument couldn't be parsed as an octal number");
  EXPECT_EQ(load("unixsocketperm", {"7777"}), "argument must be between 0 and 777 inclusive");
}

TEST_F(ConfigTest, SetsAndShows) {
  EXPECT_EQ(set({{"maxmemory", "5K"}, {"policy", "ALLKEYS-LRU"}, {"maxmemory-clients", "50%"}, {"save", "60 1 5 2"}}),
            "OK");
  EXPECT_EQ(maxMemory_, 5000u);
  EXPECT_EQ(policy_, Policy::kAll);
  EXPECT_EQ(clients_, -50);
  EXPECT_EQ(save_.load(), (SavePoints{{60, 1}, {5, 2}}));
  EXPECT_EQ(get({"maxmem*", "policy", "save"}),
            "maxmemory=5000;maxmemory-clients=50%;policy=allkeys-lru;save=60 1 5 2;");
  EXPECT_EQ(setOne("maxmemory", ""), "OK");
  EXPECT_EQ(maxMemory_, 0u);
  EXPECT_EQ(setOne("shutdown-on-sigint", "nosave now"), "OK");
  EXPECT_EQ(get({"shutdown*"}), "shutdown-on-sigint=nosave now;");
}

TEST_F(ConfigTest, GetTakesNamesAliasesAndPatternsOnce) {
  EXPECT_EQ(get({"slave-priority"}), "slave-priority=100;");
  EXPECT_EQ(get({"MaxMemory", "maxmemory"}), "MaxMemory=0;");
  EXPECT_EQ(get({"*-priority", "slave-priority", "none"}), "replica-priority=100;slave-priority=100;");
  EXPECT_EQ(get({"key-load*"}), "");
  EXPECT_EQ(get({"key-load-delay"}), "key-load-delay=0;");
}

TEST_F(ConfigTest, AllOrNothing) {
  EXPECT_EQ(set({{"maxmemory", "1mb"}, {"save", ""}, {"replica-priority", "x"}}),
            problemWith("replica-priority", "argument couldn't be parsed into an integer"));
  EXPECT_EQ(maxMemory_, 0u);
  EXPECT_EQ(save_.load(), kDefaultSavePoints);
  EXPECT_EQ(applied_, "");
}

TEST_F(ConfigTest, ARefusedApplyBringsTheOldValuesBack) {
  refused_ = "maxmemory";
  EXPECT_EQ(set({{"appendonly", "yes"}, {"maxmemory", "1mb"}}), problemWith("maxmemory", "cannot"));
  EXPECT_FALSE(appendOnly_);
  EXPECT_EQ(maxMemory_, 0u);
  EXPECT_EQ(applied_, "appendonly maxmemory appendonly maxmemory ");
}

TEST_F(ConfigTest, OnlyChangesAreApplied) {
  EXPECT_EQ(set({{"appendonly", "no"}, {"maxmemory", "1"}}), "OK");
  EXPECT_EQ(applied_, "maxmemory ");
}

TEST_F(ConfigTest, LoadsDirectives) {
  EXPECT_EQ(load("port", {"1"}), "Bad directive or wrong number of arguments");
  EXPECT_EQ(load("maxmemory", {}), "wrong number of arguments");
  EXPECT_EQ(load("maxmemory", {"1", "2"}), "wrong number of arguments");
  EXPECT_EQ(load("user", {}), "Bad directive or wrong number of arguments");
  EXPECT_EQ(load("user", {"bob", "on"}), "OK");
  EXPECT_EQ(load("list-max-ziplist-value", {"1"}), "OK");
  EXPECT_EQ(load("databases", {"3"}), "OK");
  EXPECT_EQ(databases_, 3);
  EXPECT_EQ(load("slave-priority", {"7"}), "OK");
  EXPECT_EQ(priority_, 7);
  EXPECT_EQ(applied_, "");
}

TEST_F(ConfigTest, SaveLinesAddUpAndReplaceTheDefault) {
  EXPECT_EQ(load("save", {"60", "1"}), "OK");
  EXPECT_EQ(load("save", {"30 2"}), "OK");
  EXPECT_EQ(get({"save"}), "save=60 1 30 2;");
  EXPECT_EQ(load("save", {""}), "OK");
  EXPECT_EQ(get({"save"}), "save=;");
  EXPECT_EQ(load("save", {"1"}), "Invalid save parameters");
}

TEST_F(ConfigTest, RewritesWhatIsNotDefault) {
  users_ = {"bob on"};
  ASSERT_EQ(set({{"maxmemory", "1gb"}, {"requirepass", "a\"b"}, {"save", ""}}), "OK");
  EXPECT_EQ(registry_.rewrite("slave-priority 100\nlist-max-ziplist-value 3\ndatabases 99\nMaxMemory 1"),
            "replica-priority 100\n# ??? list-max-ziplist-value 3\ndatabases 16\nmaxmemory 1gb\n"
            "# Generated by CONFIG REWRITE\nrequirepass \"a\\\"b\"\nsave \"\"\nuser bob on\n");
}

TEST_F(ConfigTest, KnowsSecrets) {
  EXPECT_TRUE(registry_.isSensitive("RequirePass"));
  EXPECT_FALSE(registry_.isSensitive("maxmemory"));
}

TEST_F(ConfigTest, NamesWhatHasNoEffect) {
  std::atomic<bool> pages{true}, other{true};
  ConfigRegistry registry;
  registry.add({.name = "disable-thp", .standing = OptionStanding::kNoMeaning}, boolOption(pages));
  registry.add({.name = "other", .standing = OptionStanding::kNotYet}, boolOption(other));
  std::vector<std::string> no = {"no"}, yes = {"yes"};
  ASSERT_TRUE(registry.loadDirective("disable-thp", no) && registry.loadDirective("other", yes));
  EXPECT_EQ(registry.ineffective(), std::vector<std::string>{"disable-thp"});
}

}  // namespace
}  // namespace vigil
