#include "command/args.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace vigil::command {
namespace {

using Words = std::vector<std::string_view>;

// What a parser that reads `words` replies; empty if nothing.
std::string replyOf(const Words& words, const std::function<void(ArgCursor&)>& read) {
  OutputBuffer out;
  Reply reply(out, 2);
  ArgCursor args(words, reply, 0);
  read(args);
  std::string_view piece;
  return out.gather(&piece, 1) == 0 ? std::string() : std::string(piece);
}

TEST(ArgCursor, TakesKeywordsInAnyCaseWithTheirValues) {
  const Words words = {"nx", "Ex", "10", "EX"};
  const auto reply = replyOf(words, [](ArgCursor& args) {
    EXPECT_FALSE(args.take("XX"));
    EXPECT_TRUE(args.take("NX"));
    EXPECT_TRUE(args.take("EX", 1));
    EXPECT_EQ(args.position(), 2u);
    EXPECT_EQ(args.next(), "10");
    EXPECT_FALSE(args.take("EX", 1)) << "its value is missing";
    EXPECT_EQ(args.left(), 1u);
    EXPECT_FALSE(args.finish());
  });
  EXPECT_EQ(reply, "-ERR syntax error\r\n");
}

TEST(ArgCursor, Integers) {
  const std::string notInteger = "-ERR value is not an integer or out of range\r\n";
  EXPECT_EQ(replyOf({"-9223372036854775808"}, [](ArgCursor& a) { EXPECT_EQ(a.integer(), INT64_MIN); }), "");
  for (std::string_view bad : {"", "+1", " 1", "1x", "9223372036854775808", "1.0"}) {
    EXPECT_EQ(replyOf({bad}, [](ArgCursor& a) { EXPECT_FALSE(a.integer()); }), notInteger) << bad;
  }
  EXPECT_EQ(replyOf({}, [](ArgCursor& a) { EXPECT_FALSE(a.integer()); }), "-ERR syntax error\r\n");
  EXPECT_EQ(replyOf({"-1"}, [](ArgCursor& a) { EXPECT_FALSE(a.integerNotNegative()); }),
            "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(replyOf({"9"}, [](ArgCursor& a) { EXPECT_FALSE(a.integerIn(0, 8)); }),
            "-ERR value is out of range, value must between 0 and 8\r\n");
  EXPECT_EQ(replyOf({"9"}, [](ArgCursor& a) { EXPECT_FALSE(a.integerIn(0, 8, "ERR RANK")); }), "-ERR RANK\r\n");
  EXPECT_EQ(replyOf({"0"}, [](ArgCursor& a) { EXPECT_FALSE(a.integerOr("ERR count", 1)); }), "-ERR count\r\n");
  EXPECT_EQ(replyOf({"x"}, [](ArgCursor& a) { EXPECT_FALSE(a.integerOr("ERR count", 1)); }), "-ERR count\r\n");
}

TEST(ArgCursor, Timeouts) {
  const auto timeout = [](std::string_view text) {
    std::optional<int64_t> us;
    const auto reply = replyOf({text}, [&](ArgCursor& args) { us = args.timeoutUs(1'700'000'000'000); });
    return us ? std::to_string(*us) : reply;
  };
  EXPECT_EQ(timeout("0"), "0");
  EXPECT_EQ(timeout("1.5"), "1500000");
  EXPECT_EQ(timeout("0.0001"), "1000") << "rounded up to a millisecond";
  EXPECT_EQ(timeout("-0.1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(timeout("-inf"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(timeout("inf"), "-ERR timeout is out of range\r\n");
  EXPECT_EQ(timeout("9223372036854775.807"), "-ERR timeout is out of range\r\n");
  EXPECT_EQ(timeout("x"), "-ERR timeout is not a float or out of range\r\n");
  EXPECT_EQ(timeout("nan"), "-ERR timeout is not a float or out of range\r\n");
}

}  // namespace
}  // namespace vigil::command
