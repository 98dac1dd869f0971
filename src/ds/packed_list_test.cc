#include "ds/packed_list.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <vector>

namespace vigil::ds {
namespace {

Element e(std::string_view text) { return listpack::classify(text); }

std::vector<std::string> texts(const PackedList& list) {
  std::vector<std::string> all;
  IntegerText buffer;
  for (PackedList::Position at = 0; at < list.endPosition(); at = list.next(at)) {
    all.emplace_back(toText(list.at(at), buffer));
  }
  return all;
}

TEST(PackedList, HoldsTextsAndIntegersInListpackBytes) {
  PackedList list;
  list.pushBack(e("abc"));
  list.pushBack(e("5"));
  list.pushFront(e("-1"));
  EXPECT_EQ(list.entries(), std::string_view("\xDF\xFF\x02\x83"
                                             "abc\x04\x05\x01",
                                             10));
  EXPECT_TRUE(list.front().isInteger);
  EXPECT_EQ(list.front().number, -1);
  EXPECT_EQ(texts(list), (std::vector<std::string>{"-1", "abc", "5"}));
}

TEST(PackedList, AFewSmallItemsCostTensOfBytes) {
  PackedList list;
  for (const char* text : {"one", "two", "three"}) list.pushBack(e(text));
  EXPECT_LE(list.memoryUsage(), 48u);
}

TEST(PackedList, AListPushedAtOneEndHasNoGapAtTheOther) {
  PackedList list;
  for (int i = 0; i < 400; ++i) list.pushFront(e("0123456789abcdef"));
  EXPECT_LE(list.memoryUsage(), 400u * 18 + 2048);
  EXPECT_EQ(list.count(), 400u);
  list.checkInvariants();
}

TEST(PackedList, ACopyIsFrozen) {
  PackedList list;
  for (const char* text : {"a", "b", "c", "d"}) list.pushBack(e(text));
  const std::vector<std::string> before = texts(list);
  const auto unchangedBy = [&](auto&& change) {
    const PackedList frozen = list;
    PackedList changed = list;
    change(changed);
    EXPECT_EQ(texts(frozen), before);
    EXPECT_NE(texts(changed), before);
    changed.checkInvariants();
  };
  unchangedBy([](PackedList& l) { l.pushFront(e("x")); });
  unchangedBy([](PackedList& l) { l.pushBack(e("x")); });
  unchangedBy([](PackedList& l) { l.popFront(); });
  unchangedBy([](PackedList& l) { l.popBack(); });
  unchangedBy([](PackedList& l) { l.insert(l.positionOf(2), e("x")); });
  unchangedBy([](PackedList& l) { l.replace(l.positionOf(1), e("X")); });
  unchangedBy([](PackedList& l) { l.erase(0, 2); });
  unchangedBy([](PackedList& l) { l.eraseMatches(ElementMatcher("c"), 0, 1); });
  unchangedBy([](PackedList& l) { l.append(l); });
  unchangedBy([](PackedList& l) { EXPECT_EQ(texts(l.splitOff(1)), (std::vector<std::string>{"b", "c", "d"})); });
}

TEST(PackedList, ErasesTheChosenMatches) {
  PackedList list;
  for (const char* text : {"7", "a", "7", "7", "b", "7"}) list.pushBack(e(text));
  EXPECT_EQ(list.countMatches(ElementMatcher("7")), 4u);
  EXPECT_EQ(list.countMatches(ElementMatcher("07")), 0u);
  list.eraseMatches(ElementMatcher("7"), 1, 2);
  EXPECT_EQ(texts(list), (std::vector<std::string>{"7", "a", "b", "7"}));
}

TEST(PackedList, TakesOverOnlyValidEntries) {
  PackedList list;
  for (const char* text : {"hello", "12345", "", "x"}) list.pushBack(e(text));
  list.pushBack(e(std::string(5000, 'y')));
  const std::string entries(list.entries());
  const auto copy = PackedList::fromEntries(entries);
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(texts(*copy), texts(list));
  EXPECT_EQ(PackedList::fromEntries(std::string_view(entries).substr(0, entries.size() - 1)).error().message,
            "damaged listpack entry at offset 16");
  EXPECT_TRUE(PackedList::fromEntries("").has_value());
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = entries;
    damaged[random() % 40] = static_cast<char>(random());
    const auto result = PackedList::fromEntries(damaged);
    if (result) result->checkInvariants();
  }
}

TEST(PackedList, GivesBackWhatPopsLeaveEmpty) {
  PackedList list;
  for (int i = 0; i < 1000; ++i) list.pushBack(e("some text"));
  while (list.count() > 3) list.popFront();
  EXPECT_TRUE(list.isSparse());
  list.shrinkToFit();
  EXPECT_LE(list.memoryUsage(), 64u);
  EXPECT_EQ(texts(list), (std::vector<std::string>(3, "some text")));
}

TEST(PackedList, AgreesWithADequeUnderRandomUse) {
  std::mt19937 random(3);
  const auto randomText = [&] {
    return random() % 3 == 0 ? std::to_string(static_cast<int32_t>(random()) >> random() % 32)
                             : std::string(random() % (random() % 20 == 0 ? 300 : 30), 'q');
  };
  for (int round = 0; round < 40; ++round) {
    PackedList list;
    std::deque<std::string> model;
    for (int step = 0; step < 500; ++step) {
      const std::string text = randomText();
      const size_t index = model.empty() ? 0 : random() % model.size();
      const auto at = static_cast<ptrdiff_t>(index);
      switch (random() % (round % 2 == 0 ? 8 : 6)) {
        case 0:
        case 4:
          list.pushFront(e(text));
          model.push_front(text);
          break;
        case 1:
        case 5:
          list.pushBack(e(text));
          model.push_back(text);
          break;
        case 2:
          list.insert(list.positionOf(index), e(text));
          model.insert(model.begin() + at, text);
          break;
        case 3:
          if (model.empty()) break;
          list.replace(list.positionOf(index), e(text));
          model[index] = text;
          break;
        case 6:
          if (model.empty()) break;
          random() % 2 ? (list.popBack(), model.pop_back()) : (list.popFront(), model.pop_front());
          break;
        default:
          const size_t n = std::min<size_t>(random() % 3, model.size() - index);
          list.erase(list.positionOf(index), n);
          model.erase(model.begin() + at, model.begin() + at + static_cast<ptrdiff_t>(n));
      }
      list.checkInvariants();
      ASSERT_EQ(texts(list), std::vector<std::string>(model.begin(), model.end()));
    }
  }
}

}  // namespace
}  // namespace vigil::ds
