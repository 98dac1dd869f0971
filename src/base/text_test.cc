#include "base/text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace vigil {
namespace {

TEST(Integers, OnlyTheCanonicalFormIsAnInteger) {
  EXPECT_EQ(parseInt64("0"), 0);
  EXPECT_EQ(parseInt64("-1"), -1);
  EXPECT_EQ(parseInt64("9223372036854775807"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(parseInt64("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  for (std::string_view text : {"", "-", "+1", "01", "-0", " 1", "1 ", "1.0", "1e3", "0x1", "9223372036854775808",
                                "-9223372036854775809", "99999999999999999999999"}) {
    EXPECT_EQ(parseInt64(text), std::nullopt) << text;
  }
  EXPECT_EQ(parseInt64(std::string_view("1\0", 2)), std::nullopt);
  EXPECT_EQ(parseUint64("18446744073709551615"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(parseUint64("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parseUint64("-1"), std::nullopt);
}

TEST(Integers, WhatIsWrittenIsReadBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10000; ++i) {
    auto value = static_cast<int64_t>(random() >> (random() % 64)) * (i % 2 == 0 ? 1 : -1);
    std::string text;
    appendInteger(text, value);
    EXPECT_EQ(text, std::to_string(value));
    EXPECT_EQ(parseInt64(text), value);
  }
}

TEST(Floats, ParsesWhatIncrByFloatTakes) {
  EXPECT_EQ(parseLongDouble("3.0e3"), 3000.0L);
  EXPECT_EQ(parseLongDouble("0x10"), 16.0L);
  EXPECT_TRUE(std::isinf(*parseLongDouble("inf")));
  EXPECT_EQ(parseDouble("-.5"), -0.5);
  for (std::string_view text : {"", " 1", "1 ", "nan", "abc", "1e99999", "1..2", "1e-99999"}) {
    EXPECT_EQ(parseLongDouble(text), std::nullopt) << text;
    EXPECT_EQ(parseDouble(text), std::nullopt) << text;
  }
  EXPECT_EQ(parseDouble("1e400"), std::nullopt);
  EXPECT_EQ(parseLongDouble(std::string_view("1\0", 2)), std::nullopt);
}

// Each line is what redis-server replied to INCRBYFLOAT with that sum.
TEST(Floats, LongDoublesReadAsInIncrByFloat) {
  EXPECT_EQ(formatLongDouble(10.50L), "10.5");
  EXPECT_EQ(formatLongDouble(10.50L + 0.1L), "10.6");
  EXPECT_EQ(formatLongDouble(5.0e3L + 2.0e2L), "5200");
  EXPECT_EQ(formatLongDouble(0), "0");
  EXPECT_EQ(formatLongDouble(-0.0L), "0");
  EXPECT_EQ(formatLongDouble(3), "3");
  EXPECT_EQ(formatLongDouble(100), "100");
  EXPECT_EQ(formatLongDouble(1e20L), "100000000000000000000");
  EXPECT_EQ(formatLongDouble(-1e-10L), "-0.0000000001");
}

TEST(Floats, DoublesReadAsInReplies) {
  EXPECT_EQ(formatDouble(3), "3");
  EXPECT_EQ(formatDouble(0.1), "0.1");
  EXPECT_EQ(formatDouble(3.14), "3.14");
  EXPECT_EQ(formatDouble(-3.5), "-3.5");
  EXPECT_EQ(formatDouble(1e9), "1000000000");
  EXPECT_EQ(formatDouble(1e21), "1e+21");
  EXPECT_EQ(formatDouble(1.5e300), "1.5e+300");
  EXPECT_EQ(formatDouble(1e-5), "0.00001");
  EXPECT_EQ(formatDouble(1e-7), "1e-7");
  EXPECT_EQ(formatDouble(1.25e-10), "1.25e-10");
  EXPECT_EQ(formatDouble(-0.0), "-0");
  EXPECT_EQ(formatDouble(INFINITY), "inf");
  EXPECT_EQ(formatDouble(-INFINITY), "-inf");
  std::mt19937_64 random(1);
  for (int i = 0; i < 10000; ++i) {
    double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    auto back = parseDouble(formatDouble(value));
    if (std::isnormal(value)) {
      EXPECT_EQ(back, value) << formatDouble(value);
    }
  }
}

TEST(Words, CaseAndHex) {
  EXPECT_TRUE(equalsIgnoreCase("MaxMemory", "maxmemory"));
  EXPECT_FALSE(equalsIgnoreCase("a", "ab"));
  EXPECT_FALSE(equalsIgnoreCase("@", "`"));
  EXPECT_EQ(toHex(std::string_view("\0\xff z", 4)), "00ff207a");
  EXPECT_EQ(fromHex("00FF207a"), std::string("\0\xff z", 4));
  EXPECT_EQ(fromHex("0"), std::nullopt);
  EXPECT_EQ(fromHex("0g"), std::nullopt);
  EXPECT_EQ(trimmed(" \ta b\r\n"), "a b");
  EXPECT_EQ(trimmed(" \t"), "");
}

TEST(Match, FollowsRedissGlobRules) {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  for (auto [pattern, text, matches] : {
           Case{"*", "anything", true},
           Case{"h?llo", "hello", true},
           Case{"h?llo", "hllo", false},
           Case{"h*llo", "heeeello", true},
           Case{"h[ae]llo", "hallo", true},
           Case{"h[ae]llo", "hillo", false},
           Case{"h[^e]llo", "hello", false},
           Case{"h[^e]llo", "hbllo", true},
           Case{"h[a-b]llo", "hbllo", true},
           Case{"h[b-a]llo", "hbllo", true},
           Case{"h\\*llo", "h*llo", true},
           Case{"h\\*llo", "hxllo", false},
           Case{"[\\]]", "]", true},
           Case{"[]", "a", false},
           Case{"[^]", "a", true},
           Case{"[a", "a", true},
           Case{"[", "[", false},
           Case{"a\\", "a\\", true},
           Case{"a*b*c", "aXbXbXc", true},
           Case{"a*b*c", "aXbXbX", false},
           Case{"a**", "a", true},
           Case{"", "", true},
           Case{"", "a", false},
           Case{"a", "", false},
           Case{"[a-", "-", true},
           Case{"foo", "FOO", false},
       }) {
    EXPECT_EQ(stringMatch(pattern, text), matches) << pattern << " " << text;
  }
  EXPECT_TRUE(stringMatch("F[A-C]*", "fboo", true));
  EXPECT_FALSE(stringMatch("F[A-C]*", "fdoo", true));
}

TEST(Match, HostilePatternsEndInTime) {
  std::string pattern, text(50000, 'a');
  for (int i = 0; i < 100; ++i) pattern += "a*";
  pattern += "b";
  EXPECT_FALSE(stringMatch(pattern, text));
}

TEST(MemorySizes, HaveRedissUnits) {
  EXPECT_EQ(parseMemorySize("512"), 512u);
  EXPECT_EQ(parseMemorySize("5k"), 5000u);
  EXPECT_EQ(parseMemorySize("5KB"), 5120u);
  EXPECT_EQ(parseMemorySize("1g"), 1000u * 1000 * 1000);
  EXPECT_EQ(parseMemorySize("1Gb"), 1024u * 1024 * 1024);
  EXPECT_EQ(parseMemorySize("100mb"), 100u * 1024 * 1024);
  EXPECT_EQ(parseMemorySize("7b"), 7u);
  for (std::string_view text :
       {"", "mb", "-1", "1x", "1.5gb", "1 mb", "0x10", "50%", "99999999999999999999", "18446744073709551615kb"}) {
    EXPECT_EQ(parseMemorySize(text), std::nullopt) << text;
  }
  EXPECT_EQ(formatMemorySize(0), "0");
  EXPECT_EQ(formatMemorySize(1048576), "1mb");
  EXPECT_EQ(formatMemorySize(1536), "1536");
  EXPECT_EQ(formatMemorySize(3072), "3kb");
  EXPECT_EQ(formatMemorySize(2147483648), "2gb");
}

TEST(QuotedWords, AreSplitAsRedisDoes) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(splitArguments("  save 900   1 "), (Words{"save", "900", "1"}));
  EXPECT_EQ(splitArguments(""), Words{});
  EXPECT_EQ(splitArguments("a \"\" ''"), (Words{"a", "", ""}));
  EXPECT_EQ(splitArguments("\"a b\\x41\\n\\\"\" 'c\\'d\\n'"), (Words{"a bA\n\"", "c'd\\n"}));
  EXPECT_EQ(splitArguments("a\"b\" c"), (Words{"ab", "c"}));
  EXPECT_EQ(splitArguments("\"\\xzz\""), Words{"xzz"});
  EXPECT_EQ(splitArguments("\"\\x4\""), Words{"x4"});
  for (std::string_view line : {"\"a", "'a", "\"a\"b", "'a'b", "\"a\\", "\"a\\\""}) {
    EXPECT_EQ(splitArguments(line), std::nullopt) << line;
  }
}

TEST(QuotedWords, AreReadBackAsWritten) {
  EXPECT_EQ(quoteArgument("a\"b\\\n\r\t\a\b\x01z\xff"), "\"a\\\"b\\\\\\n\\r\\t\\a\\b\\x01z\\xff\"");
  std::string every;
  for (int c = 0; c < 256; ++c) every.push_back(static_cast<char>(c));
  EXPECT_EQ(splitArguments(quoteArgument(every)), std::vector<std::string>{every});
}

}  // namespace
}  // namespace vigil
