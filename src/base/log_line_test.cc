#include "base/log_line.h"

#include <gtest/gtest.h>

namespace vigil {
namespace {

constexpr int64_t kWall = 1632415594'519'999;  // 2021-09-23 16:46:34.519999 UTC

TEST(LogLine, HasRedissFormat) {
  EXPECT_EQ(formatLogLine(1002, 'M', kWall, 0, LogLevel::kNotice, "Ready to accept connections"),
            "1002:M 23 Sep 2021 16:46:34.519 * Ready to accept connections");
  EXPECT_EQ(formatLogLine(7, 'X', kWall, 0, LogLevel::kDebug, ""), "7:X 23 Sep 2021 16:46:34.519 . ");
  EXPECT_EQ(formatLogLine(7, 'S', kWall, 0, LogLevel::kVerbose, "v"), "7:S 23 Sep 2021 16:46:34.519 - v");
  EXPECT_EQ(formatLogLine(7, 'C', kWall, 0, LogLevel::kWarning, "w"), "7:C 23 Sep 2021 16:46:34.519 # w");
}

TEST(LogLine, ShowsLocalTime) {
  EXPECT_EQ(formatLogLine(1, 'M', kWall, 8 * 3600, LogLevel::kNotice, "x"), "1:M 24 Sep 2021 00:46:34.519 * x");
  EXPECT_EQ(formatLogLine(1, 'M', 0, -1, LogLevel::kNotice, "x"), "1:M 31 Dec 1969 23:59:59.000 * x");
}

TEST(Logger, WritesWhatItsLevelAllows) {
  struct Lines : Logger {
    void write(LogLevel, std::string_view text) override { all.append(text).append("\n"); }
    std::string all;
  } lines;
  lines.verbose("no");
  lines.notice("yes");
  lines.setLevel(LogLevel::kVerbose);
  lines.verbose("now");
  lines.setLevel(LogLevel::kNothing);
  lines.warning("never");
  EXPECT_EQ(lines.all, "yes\nnow\n");
}

}  // namespace
}  // namespace vigil
