#include "base/decimal.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace vigil {
namespace {

template <typename Number>
std::string written(Number number) {
  char text[kMaxDecimal];
  return {text, putDecimal(text, number)};
}

TEST(Decimal, WritesAllNumbersOfAllLengths) {
  for (uint64_t n = 0; n < 20'000; ++n) ASSERT_EQ(written(n), std::to_string(n));
  uint64_t power = 1;
  for (size_t digits = 1; digits <= 20; ++digits) {
    for (const uint64_t n : {power - 1, power, power + 1, power + power / 3}) {
      ASSERT_EQ(written(n), std::to_string(n));
      ASSERT_EQ(decimalDigits(n), std::to_string(n).size());
      const auto negative = -static_cast<int64_t>(n >> 1);
      ASSERT_EQ(written(negative), std::to_string(negative));
    }
    if (digits < 20) power *= 10;
  }
  for (const uint64_t n : {std::numeric_limits<uint64_t>::max(), uint64_t{1} << 63}) EXPECT_EQ(written(n), std::to_string(n));
  for (const int64_t n : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), int64_t{-1}}) {
    EXPECT_EQ(written(n), std::to_string(n));
  }
}

}  // namespace
}  // namespace vigil
