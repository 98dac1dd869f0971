#include "ds/bit_operations.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace vigil::ds {
namespace {

TEST(BitOperations, RangesAgreeWithBitByBit) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(1 + random() % 40, random() % 2 == 0 ? '\0' : '\xff');
    for (uint64_t flips = random() % 4; flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    const uint64_t bits = bytes.size() * 8;
    const uint64_t first = random() % bits;
    const uint64_t last = first + random() % (bits - first);
    uint64_t set = 0;
    std::optional<uint64_t> firstOne;
    std::optional<uint64_t> firstZero;
    for (uint64_t i = first; i <= last; ++i) {
      auto& seen = getBit(bytes, i) ? firstOne : firstZero;
      if (!seen) seen = i;
      set += getBit(bytes, i) ? 1 : 0;
    }
    EXPECT_EQ(countBits(bytes, first, last), set);
    EXPECT_EQ(findBit(bytes, true, first, last), firstOne);
    EXPECT_EQ(findBit(bytes, false, first, last), firstZero);
  }
}

TEST(BitOperations, IntegersReadBackAtAnyOffset) {
  std::mt19937_64 random(8);
  for (int round = 0; round < 2000; ++round) {
    const bool isSigned = random() % 2 == 0;
    const BitInteger type{isSigned, static_cast<int>(1 + random() % (isSigned ? 64 : 63))};
    std::string bytes(24, static_cast<char>(random()));
    const std::string before = bytes;
    const uint64_t at = random() % 128;
    const int64_t value = *addBitInteger(static_cast<int64_t>(random()), 0, type, Overflow::kWrap);
    writeBitInteger(bytes, at, type, value);
    EXPECT_EQ(readBitInteger(bytes, at, type), value);
    for (uint64_t i = 0; i < bytes.size() * 8; ++i) {
      const bool inside = i >= at && i < at + static_cast<uint64_t>(type.bits);
      EXPECT_TRUE(inside || getBit(bytes, i) == getBit(before, i));
    }
  }
}

TEST(BitOperations, OverflowIsWrappedSaturatedOrRefused) {
  const BitInteger u8{false, 8};
  const BitInteger i8{true, 8};
  const BitInteger i64{true, 64};
  EXPECT_EQ(addBitInteger(250, 10, u8, Overflow::kWrap), 4);
  EXPECT_EQ(addBitInteger(250, 10, u8, Overflow::kSaturate), 255);
  EXPECT_EQ(addBitInteger(250, 10, u8, Overflow::kFail), std::nullopt);
  EXPECT_EQ(addBitInteger(5, -10, u8, Overflow::kSaturate), 0);
  EXPECT_EQ(addBitInteger(120, 10, i8, Overflow::kWrap), -126);
  EXPECT_EQ(addBitInteger(-120, -10, i8, Overflow::kSaturate), -128);
  EXPECT_EQ(addBitInteger(INT64_MAX, 1, i64, Overflow::kWrap), INT64_MIN);
  EXPECT_EQ(addBitInteger(INT64_MIN, -1, i64, Overflow::kSaturate), INT64_MIN);
  EXPECT_EQ(addBitInteger(-1, 0, u8, Overflow::kSaturate), 255) << "an unsigned field takes it as 2^64-1";
}

TEST(BitOperations, TheShorterOperandEndsInZeros) {
  std::string out = "\xf0\x0f\xff";
  combineBits(BitOperation::kAnd, out, "\xff");
  EXPECT_EQ(out, std::string("\xf0\0\0", 3));
  combineBits(BitOperation::kOr, out, std::string_view("\0\x01", 2));
  EXPECT_EQ(out, std::string("\xf0\x01\0", 3));
  combineBits(BitOperation::kXor, out, "\xf0");
  EXPECT_EQ(out, std::string("\0\x01\0", 3));
  combineBits(BitOperation::kNot, out, {});
  EXPECT_EQ(out, "\xff\xfe\xff");
}

}  // namespace
}  // namespace vigil::ds
