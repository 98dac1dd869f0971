#include "base/slot_set.h"

#include <gtest/gtest.h>

namespace vigil {
namespace {

SlotSet of(std::initializer_list<SlotRange> ranges) {
  SlotSet set;
  for (const SlotRange& range : ranges) set.setRange(range);
  return set;
}

TEST(SlotSet, AddsAndRemovesOthers) {
  SlotSet set = of({{0, 9}, {16383, 16383}});
  set.add(of({{5, 20}}));
  EXPECT_EQ(set.ranges(), (std::vector<SlotRange>{{0, 20}, {16383, 16383}}));
  set.remove(of({{3, 18}, {100, 200}}));
  EXPECT_EQ(set.ranges(), (std::vector<SlotRange>{{0, 2}, {19, 20}, {16383, 16383}}));
  set.remove(set);
  EXPECT_TRUE(set.empty());
}

TEST(SlotSet, OverlapsWhereOneSlotIsInBoth) {
  EXPECT_TRUE(of({{0, 9}}).overlaps(of({{9, 12}})));
  EXPECT_FALSE(of({{0, 9}}).overlaps(of({{10, 12}})));
  EXPECT_TRUE(of({{16383, 16383}}).overlaps(of({{0, 0}, {16383, 16383}})));
  EXPECT_FALSE(SlotSet().overlaps(of({{0, 16383}})));
}

}  // namespace
}  // namespace vigil
