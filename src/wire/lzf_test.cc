#include "wire/lzf.h"

#include <gtest/gtest.h>

#include <string>

namespace vigil::wire {
namespace {

TEST(Lzf, WhatWasCompressedComesBack) {
  for (size_t length : {21, 100, 5000, 300000}) {
    const std::string text(length, 'z');
    std::string compressed(length, '\0');
    const size_t size = lzfCompress(text, {compressed.data(), compressed.size() - 4});
    ASSERT_GT(size, 0u);
    EXPECT_LE(length, lzfMaxDecompressedSize(size));
    std::string back(length, '\0');
    ASSERT_TRUE(lzfDecompress(std::string_view(compressed).substr(0, size), back));
    EXPECT_EQ(back, text);
    std::string tooLong(length + 1, '\0');
    EXPECT_FALSE(lzfDecompress(std::string_view(compressed).substr(0, size), tooLong));
    std::string tooShort(length - 1, '\0');
    EXPECT_FALSE(lzfDecompress(std::string_view(compressed).substr(0, size), tooShort));
  }
}

TEST(Lzf, WhatDoesNotShrinkIsNotCompressed) {
  std::string into(16, '\0');
  EXPECT_EQ(lzfCompress("abcdefghijklmnopqrst", {into.data(), into.size()}), 0u);
}

TEST(Lzf, DamagedBytesAreAnError) {
  std::string into(100, '\0');
  EXPECT_FALSE(lzfDecompress("\xFF\xFF\xFF", into));
  EXPECT_FALSE(lzfDecompress("", into));
}

}  // namespace
}  // namespace vigil::wire
