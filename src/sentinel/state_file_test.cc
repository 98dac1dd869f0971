#include "sentinel/state_file.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "sentinel/administration.h"

namespace vigil::sentinel {
namespace {

const std::string kId(40, '1');
const std::string kOther(40, '2');

class StateFileTest : public testing::Test {
 protected:
  // Empty, or "line: problem".
  std::string load(const std::string& text) {
    std::vector<ConfigLine> lines;
    for (std::string_view rest = text; !rest.empty();) {
      const size_t end = rest.find('\n');
      auto words = splitArguments(rest.substr(0, end));
      if (words && words->size() > 1 && words->front() == "sentinel")
        lines.emplace_back(words->begin() + 1, words->end());
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    Step step(state, 1);
    const auto loaded = loadLines(step, lines, [](const std::string& path) { return path == "/bin/script"; });
    return loaded ? "" : loaded.error().line + ": " + loaded.error().problem;
  }
  std::string rewritten(const std::string& old) const {
    return rewriteConfig(
        old, [](const std::string& name) { return std::optional(name); }, stateLines(state));
  }

  State state;
};

TEST_F(StateFileTest, WhatIsWrittenIsReadBack) {
  const std::string text = "sentinel myid " + kId +
                           "\nsentinel monitor m 10.0.0.1 6379 2\nsentinel down-after-milliseconds m 1000\n"
                           "sentinel refused-down-after-milliseconds m 300\nsentinel auth-pass m \"two words\"\n"
                           "sentinel rename-command m config GUESS\nsentinel config-epoch m 4\n"
                           "sentinel leader-epoch m 5\nsentinel known-replica m 10.0.0.2 6379\n"
                           "sentinel known-sentinel m 10.0.0.3 26379 " +
                           kOther +
                           "\nsentinel current-epoch 6\n"
                           "sentinel announce-ip 1.2.3.4\n";
  ASSERT_EQ(load(text), "");
  EXPECT_EQ(state.epoch, 6u);
  EXPECT_EQ(rewritten(text), text + "\n");
}

TEST_F(StateFileTest, CommentsAndOrderStay) {
  const std::string text =
      "# mine\nsentinel failover-timeout m 1000\n# the master\nsentinel monitor m 10.0.0.1 6379 2\n";
  ASSERT_EQ(load(text), "") << "a setting may stand before its master";
  state.id = kId;
  const std::string now = rewritten(text);
  EXPECT_TRUE(
      now.starts_with("# mine\nsentinel failover-timeout m 1000\n# the master\nsentinel monitor m 10.0.0.1 6379 2\n"))
      << now;
  EXPECT_NE(now.find("sentinel myid " + kId), std::string::npos);
}

TEST_F(StateFileTest, APromotedReplicaIsWrittenAsTheMaster) {
  ASSERT_EQ(load("sentinel monitor m 10.0.0.1 6379 2\nsentinel known-replica m 10.0.0.2 6379"), "");
  state.id = kId;
  MonitoredMaster& master = *state.find("m");
  master.failover.stage = Stage::kRepointing;
  master.replicas.begin()->second->promoted = true;
  const std::string now = rewritten("");
  EXPECT_NE(now.find("sentinel monitor m 10.0.0.2 6379 2\n"), std::string::npos) << now;
  EXPECT_NE(now.find("sentinel known-replica m 10.0.0.1 6379\n"), std::string::npos) << now;
}

TEST_F(StateFileTest, Refusals) {
  EXPECT_EQ(load("sentinel foo bar baz"), "sentinel foo bar baz: Unrecognized sentinel configuration statement.");
  EXPECT_EQ(load("sentinel monitor m 10.0.0.1 6379 0"),
            "sentinel monitor m 10.0.0.1 6379 0: Quorum must be 1 or greater.");
  EXPECT_EQ(load("sentinel monitor m host 6379 1"), "sentinel monitor m host 6379 1: Can't resolve instance hostname.");
  EXPECT_EQ(load("sentinel auth-pass m x"), "sentinel auth-pass m x: No such master with specified name.");
  EXPECT_EQ(load("sentinel myid x"), "sentinel myid x: Malformed Sentinel id in myid option.");
  EXPECT_EQ(load("sentinel monitor m 10.0.0.1 6379 1\nsentinel down-after-milliseconds m 0"),
            "sentinel down-after-milliseconds m 0: negative or zero time parameter.");
}

TEST_F(StateFileTest, HostNamesWhereTheyAreResolved) {
  EXPECT_EQ(load("sentinel monitor m host 6379 1\nsentinel resolve-hostnames yes"), "");
  EXPECT_EQ(state.find("m")->self->address.host, "host");
}

TEST_F(StateFileTest, NewerNamesOfOldLines) {
  EXPECT_EQ(load("sentinel monitor m 10.0.0.1 6379 2\nsentinel known-slave m 10.0.0.2 6379\nsentinel "
                 "notification-script m /bin/script"),
            "");
  EXPECT_EQ(state.find("m")->replicas.size(), 1u);
  EXPECT_EQ(state.find("m")->settings.notificationScript, "/bin/script");
}

}  // namespace
}  // namespace vigil::sentinel
