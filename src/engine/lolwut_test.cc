#include "engine/lolwut.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace vigil::engine {
namespace {

RandomNumber numbers(uint64_t seed) {
  return [seed]() mutable { return seed = seed * 6364136223846793005u + 1442695040888963407u, seed >> 16; };
}

TEST(LolwutTest, TheSchotterHasAsManyCharactersInEachLineAsItWasAskedFor) {
  const std::string picture = drawSchotter(66, 8, 12, numbers(1));
  const auto lines = std::ranges::count(picture, '\n');
  EXPECT_EQ(picture.size(), static_cast<size_t>(lines) * (66 * 3 + 1));
  EXPECT_GT(lines, 40);
}

TEST(LolwutTest, ItsFirstRowsAreInOrder) {
  const std::string one = drawSchotter(66, 8, 12, numbers(1));
  const std::string other = drawSchotter(66, 8, 12, numbers(2));
  const size_t ordered = 6 * (66 * 3 + 1);
  EXPECT_EQ(one.substr(0, ordered), other.substr(0, ordered));
  EXPECT_NE(one, other);
}

TEST(LolwutTest, TheLeastPicturesCanBeDrawn) {
  EXPECT_EQ(std::ranges::count(drawSchotter(1, 1, 1, numbers(1)), '\n'), 1);
  EXPECT_EQ(std::ranges::count(drawSchotter(1, 200, 200, numbers(1)), '\n'), 1);
  EXPECT_EQ(std::ranges::count(drawSchotter(1000, 1, 1, numbers(1)), '\n'), 500);
  EXPECT_EQ(std::ranges::count(drawSkyline(1, 1, numbers(1)), '\n'), 1);
}

TEST(LolwutTest, TheSkylineFillsItsRows) {
  const std::string picture = drawSkyline(80, 20, numbers(1));
  EXPECT_EQ(std::ranges::count(picture, '\n'), 20);
  EXPECT_EQ(std::ranges::count(picture, '\x1b'), 80 * 20 * 2);
}

}  // namespace
}  // namespace vigil::engine
