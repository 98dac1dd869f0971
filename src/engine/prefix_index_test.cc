#include "engine/prefix_index.h"

#include <gtest/gtest.h>

#include <vector>

namespace vigil::engine {
namespace {

std::vector<std::string> prefixesOf(PrefixIndex<int>& index, std::string_view text) {
  std::vector<std::string> found;
  index.visit(text, [&](std::string_view prefix, int value) {
    EXPECT_EQ(value, static_cast<int>(prefix.size()));
    found.emplace_back(prefix);
  });
  return found;
}

TEST(PrefixIndex, FindsThePrefixesOfAText) {
  PrefixIndex<int> index;
  for (std::string_view prefix : {"a", "abc", "abd", "", "b"}) index.at(prefix) = static_cast<int>(prefix.size());
  using Found = std::vector<std::string>;
  EXPECT_EQ(prefixesOf(index, "abcd"), (Found{"", "a", "abc"}));
  EXPECT_EQ(prefixesOf(index, "abc"), (Found{"", "a", "abc"}));
  EXPECT_EQ(prefixesOf(index, "ab"), (Found{"", "a"}));
  EXPECT_EQ(prefixesOf(index, ""), (Found{""}));
  EXPECT_EQ(index.size(), 5u);
  index.erase("abc");
  index.erase("abc");
  index.erase("");
  EXPECT_EQ(prefixesOf(index, "abd"), (Found{"a", "abd"}));
  EXPECT_EQ(index.find("abc"), nullptr);
  EXPECT_NE(index.find("abd"), nullptr);
}

}  // namespace
}  // namespace vigil::engine
