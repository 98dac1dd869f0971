#include "wire/resp_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace vigil::wire {
namespace {

TEST(RespWriter, WritesEachKindOfReply) {
  std::string out;
  appendInteger(out, 7);
  appendInteger(out, std::numeric_limits<int64_t>::min());
  appendBulk(out, "");
  appendBulk(out, std::string(12, 'x'));
  appendBulkInteger(out, -42);
  appendArrayHeader(out, 100);
  appendMapHeader(out, 1);
  appendSetHeader(out, 2);
  appendPushHeader(out, 3);
  appendSimple(out, "OK");
  appendError(out, "ERR a\r\nb");
  EXPECT_EQ(
      out,
      ":7\r\n:-9223372036854775808\r\n$0\r\n\r\n$12\r\nxxxxxxxxxxxx\r\n$3\r\n-42\r\n*100\r\n%1\r\n~2\r\n>3\r\n+OK\r\n"
      "-ERR a  b\r\n");
}

TEST(RespWriter, TheSizeOfACommandRecordIsKnownBeforeItIsWritten) {
  for (size_t length : {0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10000, 99999, 100000}) {
    const std::string value(length, 'v');
    const std::vector<std::string_view> args(11, value);
    std::string appended;
    encodeCommand(args, appended);
    EXPECT_EQ(encodedCommandSize(args), appended.size()) << length;
    std::string placed(appended.size(), '\0');
    EXPECT_EQ(encodeCommandAt(args, placed.data()), placed.data() + placed.size());
    EXPECT_EQ(placed, appended);
  }
  std::string ping;
  encodeCommand({"PING"}, ping);
  EXPECT_EQ(ping, "*1\r\n$4\r\nPING\r\n");
}

}  // namespace
}  // namespace vigil::wire
