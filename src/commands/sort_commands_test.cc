#include "commands/sort_commands.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "commands/keys_commands.h"
#include "commands/keys_options.h"
#include "commands/list_commands.h"
#include "commands/sort_arguments.h"
#include "commands/sort_options.h"
#include "commands/string_access.h"
#include "commands/string_commands.h"
#include "commands/transcript.h"

namespace vigil::commands {
namespace {

// The expected replies, events and log records are those of redis-server 7.0.
class Sort : public ::testing::Test {
 protected:
  Sort() {
    t.add(sortCommands(), &options);
    t.add(listPushPopCommands(), &lists);
    t.add(listRangeCommands(), &lists);
    t.add(stringSetCommands(), &limits);
    t.run("rpush l 3 1 2 10");
  }

  ListOptions lists;
  std::atomic<uint64_t> maxBulk{512 << 20};
  StringLimits limits{maxBulk};
  SortOptions options{lists};
  Transcript t;
};

TEST_F(Sort, Orders) {
  const Step steps[] = {
      {"sort l", "*4 $1 1 $1 2 $1 3 $2 10"},
      {"sort l desc limit 1 2", "*2 $1 3 $1 2"},
      {"sort l alpha", "*4 $1 1 $2 10 $1 2 $1 3"},
      {"sort l by nosort desc limit 0 3", "*3 $2 10 $1 2 $1 1"},
      {"sort none", "*0"},
  };
  t.play(steps);
}

TEST_F(Sort, LooksUpWeightsAndValues) {
  t.run("set w_1 9");
  t.run("set w_2 8");
  t.run("set w_3 7");
  const Step steps[] = {
      {"sort l by w_* get # get w_*", "*8 $2 10 $-1 $1 3 $1 7 $1 2 $1 8 $1 1 $1 9"},
      {"sort l by w_*->field get w_*->field limit 0 1", "*1 $-1"},
      {"sort l by w_* alpha desc", "*4 $1 1 $1 2 $1 3 $2 10"},
      {"sort l get constant limit 0 1", "*1 $-1"},
  };
  t.play(steps);
}

TEST_F(Sort, Stores) {
  const Step steps[] = {
      {"sort l store d", ":4", "sortstore d"},
      {"lrange d 0 -1", "*4 $1 1 $1 2 $1 3 $2 10"},
      {"sort l desc store l", ":4", "sortstore l"},
      {"lrange l 0 -1", "*4 $2 10 $1 3 $1 2 $1 1"},
      {"sort none store l", ":0", "del l"},
      {"sort none store l", ":0"},
      {"sort d get none_* store e", ":4", "sortstore e"},
      {"lrange e 0 -1", "*4 $0  $0  $0  $0 "},
  };
  t.play(steps);
  EXPECT_EQ(t.run("sort d store f").readyKeys, "f");
}

TEST_F(Sort, FollowsTheLanguageButNotInWhatItStores) {
  options.collationKey.store([](const std::string& text) { return std::string(text.rbegin(), text.rend()); });
  t.run("rpush t ab ba");
  const Step steps[] = {
      {"sort t alpha", "*2 $2 ba $2 ab"},
      {"sort t alpha store d", ":2", "sortstore d"},
      {"lrange d 0 -1", "*2 $2 ab $2 ba"},
  };
  t.play(steps);
}

TEST_F(Sort, ReadsOtherKeysOnlyForWhoMayReadAll) {
  t.setMayAccessAllKeys(false);
  const Step steps[] = {
      {"sort l by w_*", "-ERR BY option of SORT denied due to insufficient ACL permissions."},
      {"sort l get constant", "-ERR GET option of SORT denied due to insufficient ACL permissions."},
      {"sort l by nosort limit 0 1", "*1 $1 3"},
  };
  t.play(steps);
}

TEST(SortArguments, KnowsWhichCallsReadOtherKeys) {
  const auto reads = [](std::vector<std::string_view> words) { return sortReadsOtherKeys(words); };
  EXPECT_FALSE(reads({"sort", "l"}));
  EXPECT_FALSE(reads({"sort", "l", "get", "#", "by", "nosort", "store", "*"}));
  EXPECT_TRUE(reads({"sort", "l", "By", "w_*"}));
  EXPECT_TRUE(reads({"sort", "l", "get", "#", "GET", "*"}));
}

}  // namespace
}  // namespace vigil::commands
