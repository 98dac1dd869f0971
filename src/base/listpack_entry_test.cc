#include "base/listpack_entry.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace vigil::listpack {
namespace {

std::string encoded(const Value& value) {
  std::string bytes(encodedSize(value), '\0');
  EXPECT_EQ(encode(value, bytes.data()), bytes.data() + bytes.size());
  return bytes;
}

TEST(ListpackEntry, WritesTheBytesThatRedisWrites) {
  EXPECT_EQ(encoded(classify("5")), std::string("\x05\x01", 2));
  EXPECT_EQ(encoded(classify("-1")), std::string("\xDF\xFF\x02", 3));
  EXPECT_EQ(encoded(classify("128")), std::string("\xC0\x80\x02", 3));
  EXPECT_EQ(encoded(classify("32767")), std::string("\xF1\xFF\x7F\x03", 4));
  EXPECT_EQ(encoded(classify("-8388608")), std::string("\xF2\x00\x00\x80\x04", 5));
  EXPECT_EQ(encoded(classify("abc")), std::string("\x83"
                                                  "abc\x04",
                                                  5));
  const std::string longer = encoded(classify(std::string(200, 'x')));
  EXPECT_EQ(longer.substr(0, 2), "\xE0\xC8");
  EXPECT_EQ(longer.substr(202), std::string("\x01\xCA", 2));  // 202 in two bytes of backlen
}

TEST(ListpackEntry, EveryIntegerWidthComesBackBothWays) {
  const std::vector<int64_t> numbers = {0,
                                        1,
                                        127,
                                        128,
                                        4095,
                                        4096,
                                        -1,
                                        -4096,
                                        -4097,
                                        32767,
                                        32768,
                                        -32768,
                                        -32769,
                                        8388607,
                                        8388608,
                                        -8388608,
                                        -8388609,
                                        2147483647,
                                        2147483648,
                                        -2147483648,
                                        -2147483649,
                                        std::numeric_limits<int64_t>::max(),
                                        std::numeric_limits<int64_t>::min()};
  for (int64_t number : numbers) {
    const std::string bytes = encoded(classify(std::to_string(number)));
    EXPECT_LE(bytes.size(), kMaxIntegerEntry);
    const Decoded back = decode(bytes.data(), bytes.data() + bytes.size());
    EXPECT_EQ(back.value, Value::ofInteger(number));
    EXPECT_EQ(back.size, bytes.size());
    EXPECT_EQ(sizeBefore(bytes.data(), bytes.data() + bytes.size()), bytes.size());
    EXPECT_EQ(decodeTrusted(bytes.data()).value, back.value);
    EXPECT_EQ(sizeTrusted(bytes.data()), bytes.size());
  }
}

TEST(ListpackEntry, TextsOfEveryHeaderAndBacklenSizeComeBack) {
  for (size_t length : {0, 1, 63, 64, 125, 126, 127, 4095, 4096, 16377, 16378, 16379, 2097145, 2097146}) {
    const std::string text(length, 'q');
    const std::string bytes = encoded(classify(text));
    const Decoded back = decode(bytes.data(), bytes.data() + bytes.size());
    EXPECT_EQ(back.size, bytes.size()) << length;
    EXPECT_EQ(back.value.text, text);
    EXPECT_EQ(sizeBefore(bytes.data(), bytes.data() + bytes.size()), bytes.size()) << length;
  }
}

TEST(ListpackEntry, OnlyCanonicalNumbersAreIntegers) {
  for (const char* text : {"", "-", "-0", "00", "01", "+1", " 1", "1 ", "1a", "9223372036854775808",
                           "-9223372036854775809", "99999999999999999999", "123456789012345678901"}) {
    EXPECT_FALSE(canonicalInteger(text)) << text;
  }
  EXPECT_EQ(canonicalInteger("0"), 0);
  EXPECT_EQ(canonicalInteger("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(canonicalInteger("9223372036854775807"), std::numeric_limits<int64_t>::max());
}

TEST(ListpackEntry, CutAndDamagedEntriesAreRefused) {
  for (const std::string& text :
       {std::string("7"), std::string("300"), std::string("70000"), std::string(100, 'a'), std::string(5000, 'b')}) {
    std::string bytes = encoded(classify(text));
    for (size_t length = 0; length < bytes.size(); length++) {
      EXPECT_EQ(decode(bytes.data(), bytes.data() + length).size, 0u);
    }
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    EXPECT_EQ(decode(bytes.data(), bytes.data() + bytes.size()).size, 0u);
  }
  const std::string end = "\xFF\x01";
  EXPECT_EQ(decode(end.data(), end.data() + end.size()).size, 0u);
  const std::string endless(6, '\xFF');
  EXPECT_EQ(sizeBefore(endless.data(), endless.data() + endless.size()), 0u);
  const std::string tooFar = "\x01\x7F";
  EXPECT_EQ(sizeBefore(tooFar.data(), tooFar.data() + tooFar.size()), 0u);
}

}  // namespace
}  // namespace vigil::listpack
