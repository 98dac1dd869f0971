#include "command/reply.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

namespace vigil::command {
namespace {

std::string written(int protocol, const std::function<void(Reply&)>& write) {
  OutputBuffer out;
  Reply reply(out, protocol);
  write(reply);
  std::string text;
  while (!out.empty()) {
    std::string_view piece;
    out.gather(&piece, 1);
    text.append(piece);
    out.consume(piece.size());
  }
  return text;
}

struct Case {
  const char* what;
  std::function<void(Reply&)> write;
  std::string resp2, resp3;
};

TEST(Reply, HasTheFormsOfBothProtocols) {
  const Case cases[] = {
      {"ok", [](Reply& r) { r.ok(); }, "+OK\r\n", "+OK\r\n"},
      {"simple", [](Reply& r) { r.simple("QUEUED"); }, "+QUEUED\r\n", "+QUEUED\r\n"},
      {"error", [](Reply& r) { r.error("ERR a\r\nb"); }, "-ERR a  b\r\n", "-ERR a  b\r\n"},
      {"zero", [](Reply& r) { r.integer(0); }, ":0\r\n", ":0\r\n"},
      {"least", [](Reply& r) { r.integer(INT64_MIN); }, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
      {"bulk", [](Reply& r) { r.bulk("hello world"); }, "$11\r\nhello world\r\n", "$11\r\nhello world\r\n"},
      {"empty bulk", [](Reply& r) { r.bulk(""); }, "$0\r\n\r\n", "$0\r\n\r\n"},
      {"number bulk", [](Reply& r) { r.bulk(int64_t{-15}); }, "$3\r\n-15\r\n", "$3\r\n-15\r\n"},
      {"null", [](Reply& r) { r.null(); }, "$-1\r\n", "_\r\n"},
      {"null array", [](Reply& r) { r.nullArray(); }, "*-1\r\n", "_\r\n"},
      {"true", [](Reply& r) { r.boolean(true); }, ":1\r\n", "#t\r\n"},
      {"false", [](Reply& r) { r.boolean(false); }, ":0\r\n", "#f\r\n"},
      {"double", [](Reply& r) { r.number(3.141); }, "$5\r\n3.141\r\n", ",3.141\r\n"},
      {"whole double", [](Reply& r) { r.number(3); }, "$1\r\n3\r\n", ",3\r\n"},
      {"infinity", [](Reply& r) { r.number(-INFINITY); }, "$4\r\n-inf\r\n", ",-inf\r\n"},
      {"not a number", [](Reply& r) { r.number(std::numeric_limits<double>::quiet_NaN()); }, "$3\r\nnan\r\n",
       ",nan\r\n"},
      {"long double", [](Reply& r) { r.longDouble(10.5L); }, "$4\r\n10.5\r\n", "$4\r\n10.5\r\n"},
      {"big number", [](Reply& r) { r.bigNumber("123456799"); }, "$9\r\n123456799\r\n", "(123456799\r\n"},
      {"verbatim", [](Reply& r) { r.verbatim("txt", "a\nb"); }, "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n"},
      {"array", [](Reply& r) { r.array(12); }, "*12\r\n", "*12\r\n"},
      {"map", [](Reply& r) { r.map(3); }, "*6\r\n", "%3\r\n"},
      {"set", [](Reply& r) { r.set(3); }, "*3\r\n", "~3\r\n"},
      {"push", [](Reply& r) { r.push(3); }, "*3\r\n", ">3\r\n"},
      {"empty array", [](Reply& r) { r.emptyArray(); }, "*0\r\n", "*0\r\n"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(written(2, c.write), c.resp2) << c.what;
    EXPECT_EQ(written(3, c.write), c.resp3) << c.what;
  }
}

TEST(Reply, AggregatesOfALengthKnownLate) {
  const auto write = [](Reply& r) {
    r.integer(1);
    const size_t outer = r.mark();
    const size_t inner = r.mark();
    r.bulk("k");
    r.integer(2);
    r.mapAt(inner, 1);
    r.integer(3);
    r.arrayAt(outer, 2);
  };
  EXPECT_EQ(written(2, write), ":1\r\n*2\r\n*2\r\n$1\r\nk\r\n:2\r\n:3\r\n");
  EXPECT_EQ(written(3, write), ":1\r\n*2\r\n%1\r\n$1\r\nk\r\n:2\r\n:3\r\n");
}

TEST(Reply, RollbackForgetsWhatWasWritten) {
  EXPECT_EQ(written(2,
                    [](Reply& r) {
                      r.integer(1);
                      const size_t mark = r.mark();
                      r.bulk("never");
                      r.rollback(mark);
                      r.integer(2);
                    }),
            ":1\r\n:2\r\n");
}

TEST(Reply, CountsErrorsByTheirCode) {
  OutputBuffer out;
  Reply reply(out, 2);
  EXPECT_EQ(reply.errors(), 0u);
  reply.syntaxError();
  EXPECT_EQ(reply.lastErrorCode(), "ERR");
  reply.wrongType();
  EXPECT_EQ(reply.lastErrorCode(), "WRONGTYPE");
  reply.error("NOSPACE");
  EXPECT_EQ(reply.lastErrorCode(), "ERR");
  EXPECT_EQ(reply.errors(), 3u);
}

TEST(Reply, LargeSharedValuesAreNotCopied) {
  const ds::SharedBuffer large(std::string(100'000, 'v'));
  OutputBuffer out;
  Reply reply(out, 2);
  reply.bulkShared(large);
  EXPECT_FALSE(large.isUnique());
  EXPECT_LT(out.offset(), 100u);
  EXPECT_EQ(out.pending(), 9 + 100'000 + 2u);
  EXPECT_EQ(written(2, [&](Reply& r) { r.bulkShared(large); }), "$100000\r\n" + std::string(100'000, 'v') + "\r\n");

  const ds::SharedBuffer small("tiny");
  EXPECT_EQ(written(2, [&](Reply& r) { r.bulkShared(small); }), "$4\r\ntiny\r\n");
}

}  // namespace
}  // namespace vigil::command
