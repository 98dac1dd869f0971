#include "wire/resp_parser.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "wire/inline_args.h"
#include "wire/resp_writer.h"

namespace vigil::wire {
namespace {

using Outcome = RequestParser::Outcome;
using Words = std::vector<std::string>;

// The commands of a stream that arrives in pieces of `piece` bytes, and the error that ends it, if one does. Every
// call sees the bytes at another address, as when a reader's buffer grows.
struct Parsed {
  std::vector<Words> commands;
  std::string error;
  size_t left = 0;  // bytes of an unfinished command
  bool operator==(const Parsed&) const = default;
};

Parsed parseInPieces(const std::string& stream, size_t piece, const RequestLimits& limits = {}) {
  RequestParser parser;
  ParsedCommand command;
  Parsed parsed;
  std::string buffer;
  for (size_t at = 0; at < stream.size(); at += piece) {
    buffer = std::string(buffer) + stream.substr(at, piece);
    for (;;) {
      const Outcome outcome = parser.parse(buffer, limits, command);
      if (outcome == Outcome::kNeedMore) break;
      if (outcome == Outcome::kProtocolError) {
        parsed.error = parser.error();
        return parsed;
      }
      parsed.commands.emplace_back(command.args.begin(), command.args.end());
      buffer.erase(0, command.bytes);
    }
  }
  parsed.left = buffer.size();
  return parsed;
}

std::string errorOf(const std::string& stream, const RequestLimits& limits = {}) {
  return parseInPieces(stream, stream.size(), limits).error;
}

TEST(RequestParser, PipelinedCommandsComeOutOneByOne) {
  const Parsed parsed = parseInPieces("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\nGET k\r\n", 1000);
  EXPECT_EQ(parsed.commands, (std::vector<Words>{{"SET", "k", ""}, {"PING"}, {"GET", "k"}}));
  EXPECT_EQ(parsed.left, 0u);
}

TEST(RequestParser, AnySplitGivesTheSameCommands) {
  std::string stream = "*0\r\n\r\n*-3\r\n";
  const std::string large(5000, 'v');
  encodeCommand({"SET", "key", large}, stream);
  Words many(300, "argument");
  encodeCommand(std::vector<std::string_view>(many.begin(), many.end()), stream);
  stream += "set 'a b' \"\\x00\\n\"\nPING\r\n*2\r\n$3\r\nGE";
  const Parsed whole = parseInPieces(stream, stream.size());
  ASSERT_EQ(whole.commands.size(), 7u);
  EXPECT_EQ(whole.commands[3][2], large);
  EXPECT_EQ(whole.commands[4], many);
  EXPECT_EQ(whole.commands[5], (Words{"set", "a b", std::string("\0\n", 2)}));
  EXPECT_EQ(whole.left, 10u);
  for (size_t piece : {1, 2, 3, 7, 100, 1023, 1025, 4096}) EXPECT_EQ(parseInPieces(stream, piece), whole) << piece;
}

TEST(RequestParser, SaysHowMuchOfALongArgumentIsMissing) {
  RequestParser parser;
  ParsedCommand command;
  EXPECT_EQ(parser.parse("*2\r\n$3\r\nGET\r\n$1000000\r\nabc", {}, command), Outcome::kNeedMore);
  EXPECT_EQ(parser.missing(), 1000000u - 3 + 2);
  EXPECT_EQ(parser.parse("", {}, command), Outcome::kNeedMore);
}

TEST(RequestParser, ErrorsAreRediss) {
  const std::string long70k(70000, '1');
  EXPECT_EQ(errorOf("*2147483648\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(errorOf("*03\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(errorOf("*\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(errorOf("*99999999999999999999\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(errorOf("*1\r\nx4\r\n"), "Protocol error: expected '$', got 'x'");
  EXPECT_EQ(errorOf("*1\r\n\r\r\n"), "Protocol error: expected '$', got ' '");
  EXPECT_EQ(errorOf("*1\r\n$-1\r\n"), "Protocol error: invalid bulk length");
  EXPECT_EQ(errorOf("*1\r\n$\r\n"), "Protocol error: invalid bulk length");
  EXPECT_EQ(errorOf("*1\r\n$536870913\r\n"), "Protocol error: invalid bulk length");
  EXPECT_EQ(errorOf("*" + long70k), "Protocol error: too big mbulk count string");
  EXPECT_EQ(errorOf("*1\r\n$" + long70k), "Protocol error: too big bulk count string");
  EXPECT_EQ(errorOf(long70k), "Protocol error: too big inline request");
  EXPECT_EQ(errorOf("set \"a\r\n"), "Protocol error: unbalanced quotes in request");
  EXPECT_EQ(errorOf("echo 'a'b\r\n"), "Protocol error: unbalanced quotes in request");
}

TEST(RequestParser, WhoeverHasNotAuthenticatedGetsLittleRoom) {
  const RequestLimits limits{.authenticated = false};
  EXPECT_EQ(errorOf("*11\r\n", limits), "Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(errorOf("*1\r\n$16385\r\n", limits), "Protocol error: unauthenticated bulk length");
  EXPECT_EQ(errorOf("*10\r\n$16384\r\n", limits), "");
}

TEST(RequestParser, AMastersStreamHasNoBulkLimit) {
  const RequestLimits limits{.maxBulk = UINT64_MAX};
  EXPECT_EQ(errorOf("*1\r\n$4000000000\r\n", limits), "");
  EXPECT_EQ(errorOf("*1\r\n$9223372036854775807\r\n", limits), "");
}

TEST(RequestParser, InlineWordsSurviveAMoveOfTheirCommand) {
  RequestParser parser;
  ParsedCommand command;
  ASSERT_EQ(parser.parse("a \"b\"\r\n", {}, command), Outcome::kComplete);
  const ParsedCommand moved = std::move(command);
  EXPECT_TRUE(moved.isInline);
  ASSERT_EQ(moved.args.size(), 2u);
  EXPECT_EQ(moved.args[1], "b");
}

std::optional<Words> splitArgs(std::string_view line) {
  std::vector<char> storage;
  std::vector<std::string_view> words;
  if (!wire::splitArgs(line, storage, words)) return std::nullopt;
  return Words(words.begin(), words.end());
}

TEST(PeekFirstArgument, OfPlainRequestsAlone) {
  EXPECT_EQ(peekFirstArgument("*3\r\n$3\r\nSET\r\n$5\r\nkey:1\r\n$1\r\nv\r\n"), "key:1");
  EXPECT_EQ(peekFirstArgument("*2\r\n$3\r\nGET\r\n$5\r\nkey:1"), "key:1");
  EXPECT_EQ(peekFirstArgument("*2\r\n$3\r\nGET\r\n$0\r\n\r\n"), "");
  EXPECT_EQ(peekFirstArgument("*1\r\n$4\r\nPING\r\n"), "");
  EXPECT_EQ(peekFirstArgument("GET key:1\r\n"), "");
  EXPECT_EQ(peekFirstArgument(""), "");
}

TEST(RequestParser, WhatALongCommandLackedIsNotWhatTheNextOneLacks) {
  const std::string whole = "*2\r\n$3\r\nGET\r\n$5000000\r\n" + std::string(5'000'000, 'k') + "\r\n";
  RequestParser parser;
  ParsedCommand command;
  ASSERT_EQ(parser.parse(std::string_view(whole).substr(0, 2000), {}, command), RequestParser::Outcome::kNeedMore);
  EXPECT_GT(parser.missing(), 4'000'000U);
  ASSERT_EQ(parser.parse(whole, {}, command), RequestParser::Outcome::kComplete);
  EXPECT_EQ(parser.missing(), 1U);
}

// A hint looks at no byte behind the end, wherever the request is cut and whatever stands in it.
TEST(PeekFirstArgument, StaysInside) {
  const std::string whole = "*3\r\n$3\r\nSET\r\n$12\r\nkey:12345678\r\n$1\r\nv\r\n";
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    const std::vector<char> exact(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));  // ASan sees its end
    const std::string_view got = peekFirstArgument({exact.data(), exact.size()});
    EXPECT_EQ(got, cut < whole.size() - 9 ? "" : "key:12345678") << cut;
    for (char wrong : {'*', '$', '9', '\r', '-'}) {
      std::vector<char> broken = exact;
      if (cut > 0) broken[cut / 2] = wrong;
      peekFirstArgument({broken.data(), broken.size()});
    }
  }
}

TEST(SplitArgs, FollowsRedissQuotingRules) {
  EXPECT_EQ(splitArgs("  a  b\t c\v \n"), (Words{"a", "b", "c\v"}));
  EXPECT_EQ(splitArgs("\"\\x41\\x4g\\n\\r\\t\\b\\a\\q\""), (Words{std::string("Ax4g\n\r\t\b\aq")}));
  EXPECT_EQ(splitArgs("'a\\'b\\n' ''"), (Words{"a'b\\n", ""}));
  EXPECT_EQ(splitArgs("a\"b c\" a\\x41"), (Words{"ab c", "a\\x41"}));
  EXPECT_EQ(splitArgs(std::string_view("a b\0c d", 7)), (Words{"a", "b"}));
  EXPECT_EQ(splitArgs(""), Words{});
  for (const char* bad : {"\"", "'", "\"a", "'a", "\"a\"b", "'a'b", "\"a\\\"", "'a\\'", "\"a\"\"b\"", "\"\\"}) {
    EXPECT_EQ(splitArgs(bad), std::nullopt) << bad;
  }
}

TEST(SplitArgs, GivesBackWhatWasQuoted) {
  std::string every;
  for (int c = 0; c < 256; c++) every += static_cast<char>(c);
  std::string quoted;
  appendQuoted(quoted, every);
  EXPECT_EQ(splitArgs(quoted), Words{every});
  EXPECT_TRUE(needsQuotes(every));
  EXPECT_TRUE(needsQuotes(""));
  EXPECT_TRUE(needsQuotes("a b"));
  EXPECT_FALSE(needsQuotes("appendonly.aof"));
}

}  // namespace
}  // namespace vigil::wire
