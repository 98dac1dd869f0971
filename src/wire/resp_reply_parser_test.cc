#include "wire/resp_reply_parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace vigil::wire {
namespace {

using Kind = RespValue::Kind;
using Outcome = ReplyParser::Outcome;

// A value as a line of text, to compare trees by.
std::string show(const RespValue& value) {
  switch (value.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kSimple:
      return "+" + value.text;
    case Kind::kError:
      return "-" + value.text;
    case Kind::kInteger:
      return ":" + std::to_string(value.integer);
    case Kind::kBool:
      return value.integer != 0 ? "true" : "false";
    case Kind::kDouble:
      return "," + value.text;
    case Kind::kBigNumber:
      return "(" + value.text;
    case Kind::kBulk:
    case Kind::kVerbatim:
      return "'" + value.text + "'";
    default:
      break;
  }
  std::string shown = value.kind == Kind::kArray ? "[" : value.kind == Kind::kMap ? "{" : "<";
  for (const RespValue& item : value.items) shown += show(item) + " ";
  shown += "]";
  return shown;
}

std::string parseInPieces(const std::string& stream, size_t piece, const ReplyLimits& limits = {}) {
  ReplyParser parser(limits);
  std::string buffer;
  std::string shown;
  for (size_t at = 0; at < stream.size(); at += piece) {
    buffer += stream.substr(at, piece);
    for (;;) {
      size_t consumed = 0;
      const Outcome outcome = parser.feed(buffer, consumed);
      buffer.erase(0, consumed);
      if (outcome == Outcome::kProtocolError) return shown + parser.error();
      if (outcome == Outcome::kNeedMore) break;
      shown += show(parser.value()) + ";";
    }
  }
  return shown + (buffer.empty() ? "" : "+" + std::to_string(buffer.size()));
}

TEST(ReplyParser, ReadsEveryTypeInAnyPieces) {
  const std::string stream =
      "\n\n+OK\r\n-ERR "
      "no\r\n:-5\r\n$3\r\nabc\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n*1\r\n:1\r\n$0\r\n\r\n%1\r\n+k\r\n~2\r\n#t\r\n#f\r\n"
      ",1.5\r\n(12345678901234567890123\r\n=7\r\ntxt:abc\r\n!5\r\nERR "
      "x\r\n_\r\n>1\r\n+p\r\n|1\r\n+a\r\n+b\r\n:7\r\n*1\r\n|0\r\n"
      ":8\r\n";
  const std::string expected =
      "+OK;-ERR no;:-5;'abc';null;null;[];[[:1 ] '' ];{+k <true false ] ];,1.5;(12345678901234567890123;'abc';-ERR "
      "x;null;<+p ];:7;[:8 ];";
  for (size_t piece : {1, 2, 3, 5, 17, 1000}) EXPECT_EQ(parseInPieces(stream, piece), expected) << piece;
}

TEST(ReplyParser, DoublesHaveTheirNames) {
  ReplyParser parser;
  size_t consumed = 0;
  ASSERT_EQ(parser.feed(",-inf\r\n", consumed), Outcome::kComplete);
  EXPECT_TRUE(std::isinf(parser.value().number));
  ASSERT_EQ(parser.feed(",1e3\r\n", consumed), Outcome::kComplete);
  EXPECT_EQ(parser.value().number, 1000);
}

TEST(ReplyParser, HostileRepliesEndInAnError) {
  std::string deep;
  for (int i = 0; i < 40; i++) deep += "*1\r\n";
  EXPECT_EQ(parseInPieces(deep, 1000), "Protocol error: a reply is nested too deeply");
  EXPECT_EQ(parseInPieces("*1000000000\r\n", 1000), "Protocol error: a reply has too many elements");
  EXPECT_EQ(parseInPieces("*2\r\n*2\r\n:1\r\n:2\r\n:3\r\n", 1000, {.maxElements = 3}),
            "Protocol error: a reply has too many elements");
  EXPECT_EQ(parseInPieces("$1000000000\r\n", 1000), "Protocol error: a bulk string of a reply is too long");
  EXPECT_EQ(parseInPieces("$4\r\nabcd\r\n*2\r\n$3\r\nabc\r\n+d\r\n*2\r\n$3\r\nabc\r\n$2\r\n", 1000, {.maxBytes = 4}),
            "'abcd';['abc' +d ];Protocol error: a bulk string of a reply is too long");
  EXPECT_EQ(parseInPieces("*2\r\n+ab\r\n+cde\r\n", 1000, {.maxBytes = 4}), "Protocol error: a reply is too long");
  EXPECT_EQ(parseInPieces("$-2\r\n", 1000), "Protocol error: invalid length in a reply");
  EXPECT_EQ(parseInPieces("$3\r\nabcde", 1000), "Protocol error: a bulk string of a reply does not end in CRLF");
  EXPECT_EQ(parseInPieces("HTTP/1.1\r\n", 1000), "Protocol error: a reply begins with 'H'");
  EXPECT_EQ(parseInPieces("+OK\rx", 1000), "Protocol error: a line of a reply does not end in CRLF");
  EXPECT_EQ(parseInPieces(std::string(70000, '+'), 1000), "Protocol error: too long a line in a reply");
}

}  // namespace
}  // namespace vigil::wire
