#include <gtest/gtest.h>

#include <string>

#include "base/crc16.h"
#include "base/crc64.h"

namespace vigil {
namespace {

TEST(Crc64, GivesTheKnownCheckValueInAnyPieces) {
  EXPECT_EQ(crc64(""), 0u);
  EXPECT_EQ(crc64("123456789"), 0xe9c6d914c4b8d9caULL);
  const std::string bytes(1000, 'r');
  for (size_t cut : {0, 1, 7, 64, 999, 1000}) {
    Crc64 crc;
    crc.feed(std::string_view(bytes).substr(0, cut));
    crc.feed(std::string_view(bytes).substr(cut));
    EXPECT_EQ(crc.value(), crc64(bytes)) << cut;
  }
}

TEST(Crc16, GivesTheKnownCheckValue) { EXPECT_EQ(crc16("123456789"), 0x31C3); }

TEST(KeySlot, AgreesWithRedisAndHonoursHashTags) {
  EXPECT_EQ(keySlot("foo"), 12182);
  EXPECT_EQ(keySlot("{foo}bar"), 12182);
  EXPECT_EQ(hashTag("a{b}c{d}"), "b");
  EXPECT_EQ(hashTag("a{}b{c}"), "a{}b{c}");
  EXPECT_EQ(hashTag("a{b"), "a{b");
  EXPECT_EQ(hashTag("{{x}}"), "{x");
  EXPECT_EQ(keySlot(""), 0);
}

}  // namespace
}  // namespace vigil
