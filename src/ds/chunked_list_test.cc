#include "ds/chunked_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vigil::ds {
namespace {

std::vector<std::string> texts(const ChunkedList& list) {
  std::vector<std::string> all;
  IntegerText buffer;
  for (auto at = list.cursorAt(0); at.valid(); at.next()) all.emplace_back(toText(at.element(), buffer));
  return all;
}

ChunkedList numbers(size_t n, ChunkLimit limit = {}) {
  ChunkedList list(limit);
  for (size_t i = 0; i < n; ++i) list.pushBack("item:" + std::to_string(i));
  return list;
}

using Texts = std::vector<std::string>;

TEST(ChunkedList, IsCompactWhenSmall) {
  EXPECT_LE(sizeof(ChunkedList), 40u);
  ChunkedList list;
  EXPECT_EQ(list.memoryUsage(), 0u);
  for (const char* text : {"one", "two", "three"}) list.pushFront(text);
  EXPECT_LE(list.memoryUsage(), 48u);
  EXPECT_TRUE(list.isSingleChunk());
  EXPECT_EQ(texts(list), (Texts{"three", "two", "one"}));
}

TEST(ChunkedList, BecomesAQuicklistAndAListpackAgainByTheRuleOf72) {
  ChunkedList list(ChunkLimit{.fill = -1});
  list.pushBack(std::string(4096 - 7, 'x'));
  EXPECT_TRUE(list.isSingleChunk());
  list.popBack();
  list.pushBack(std::string(4096 - 6, 'x'));
  EXPECT_FALSE(list.isSingleChunk());
  list.pushBack("a");
  list.popFront();
  EXPECT_TRUE(list.isSingleChunk());

  ChunkedList counted(ChunkLimit{.fill = 4});
  for (const char* text : {"1", "2", "3", "4"}) counted.pushBack(text);
  EXPECT_TRUE(counted.isSingleChunk());
  counted.pushBack("5");
  EXPECT_FALSE(counted.isSingleChunk());
  counted.popFront();
  counted.popFront();
  EXPECT_FALSE(counted.isSingleChunk());
  counted.popFront();
  EXPECT_TRUE(counted.isSingleChunk());
  EXPECT_EQ(texts(counted), (Texts{"4", "5"}));
}

TEST(ChunkedList, FindsElementsByIndexInALongList) {
  const ChunkedList list = numbers(100'000);
  list.checkInvariants();
  IntegerText buffer;
  for (const size_t i : {0u, 1u, 499u, 777u, 50'000u, 99'998u, 99'999u}) {
    EXPECT_EQ(toText(list.at(i), buffer), "item:" + std::to_string(i));
  }
  EXPECT_EQ(list.find(ElementMatcher("item:77777")), 77'777u);
  EXPECT_EQ(list.find(ElementMatcher("item:")), std::nullopt);
  auto at = list.cursorAt(99'999);
  for (size_t i = 100'000; i-- > 0; at.previous()) {
    ASSERT_TRUE(at.valid());
    ASSERT_EQ(at.index(), i);
  }
  EXPECT_FALSE(at.valid());
  EXPECT_FALSE(list.cursorAt(100'000).valid());
}

TEST(ChunkedList, ChunksAreFullWhenAListGrowsAtOneEnd) {
  for (const bool front : {true, false}) {
    ChunkedList list;
    size_t bytes = 0;
    for (int i = 0; i < 50'000; ++i) {
      const std::string text = "value-" + std::to_string(i);
      bytes += text.size() + 2;
      front ? list.pushFront(text) : list.pushBack(text);
    }
    EXPECT_LT(static_cast<double>(list.memoryUsage()), static_cast<double>(bytes) * 1.03 + 8192);
    EXPECT_NEAR(static_cast<double>(list.memoryUsage(5)), static_cast<double>(list.memoryUsage()),
                0.1 * static_cast<double>(bytes));
  }
}

TEST(ChunkedList, ALargeElementHasAChunkOfItsOwn) {
  ChunkedList list = numbers(1000);
  const std::string large(20'000, 'L');
  list.insert(500, large);
  list.checkInvariants();
  const auto place = list.chunkAt(500);
  EXPECT_EQ(place.chunk->count(), 1u);
  EXPECT_TRUE(list.isPlain(*place.chunk));
  EXPECT_FALSE(list.isPlain(*list.chunkAt(0).chunk));
  EXPECT_EQ(list.at(500).text, large);
  EXPECT_EQ(list.at(501).text, "item:500");
  list.set(500, "small");
  EXPECT_EQ(list.size(), 1001u);
  list.checkInvariants();
  list.set(10, large);
  EXPECT_EQ(list.at(10).text, large);
  EXPECT_EQ(list.at(9).text, "item:9");
  EXPECT_EQ(list.at(11).text, "item:11");
  list.checkInvariants();
}

TEST(ChunkedList, InsertingLargeElementsEverywhereWastesLittle) {
  ChunkedList list = numbers(5'000);
  size_t bytes = list.memoryUsage();
  for (size_t i = 0; i < 100; ++i) {
    list.insert(i * 50 + 1, std::string(6'000, 'M'));
    bytes += 6'000;
  }
  list.checkInvariants();
  EXPECT_LT(static_cast<double>(list.memoryUsage()), 1.2 * static_cast<double>(bytes));
}

TEST(ChunkedList, ASnapshotDoesNotSeeLaterChanges) {
  ChunkedList list = numbers(20'000);
  const Texts before = texts(list);
  const ChunkedList frozen = list.snapshot();
  list.set(10'000, "changed");
  list.insert(5'000, "inserted");
  list.removeMatching(ElementMatcher("item:15000"), 1, ChunkedList::Direction::kForward);
  list.pushFront("front");
  list.popBack();
  list.eraseFront(9'000);
  EXPECT_EQ(texts(frozen), before);
  frozen.checkInvariants();
  list.checkInvariants();
  EXPECT_EQ(list.find(ElementMatcher("changed")), 1'002u);
}

TEST(ChunkedList, AChangeCopiesOneChunkOfWhatIsShared) {
  ChunkedList list = numbers(200'000);
  const ChunkedList frozen = list.snapshot();
  list.set(100'000, "changed");
  size_t copied = 0;
  for (size_t i = 0; i < list.size(); i += list.chunkAt(i).chunk->count()) {
    copied += list.chunkAt(i).chunk->entries().data() != frozen.chunkAt(i).chunk->entries().data() ? 1 : 0;
  }
  EXPECT_EQ(copied, 1u);
}

TEST(ChunkedList, RemovesMatchesFromEitherEnd) {
  for (const ChunkLimit limit : {ChunkLimit{.fill = 3}, ChunkLimit{}}) {
    ChunkedList list(limit);
    for (int i = 0; i < 30; ++i) list.pushBack(std::to_string(i % 3));
    EXPECT_EQ(list.removeMatching(ElementMatcher("1"), 4, ChunkedList::Direction::kForward), 4u);
    EXPECT_EQ(list.removeMatching(ElementMatcher("2"), 3, ChunkedList::Direction::kBackward), 3u);
    list.checkInvariants();
    EXPECT_EQ(texts(list), (Texts{"0", "2", "0", "2", "0", "2", "0", "2", "0", "1", "2", "0",
                                  "1", "2", "0", "1", "2", "0", "1", "0", "1", "0", "1"}));
    EXPECT_EQ(list.removeMatching(ElementMatcher("0"), SIZE_MAX, ChunkedList::Direction::kBackward), 10u);
    EXPECT_EQ(list.removeMatching(ElementMatcher("nothing"), SIZE_MAX, ChunkedList::Direction::kForward), 0u);
    EXPECT_EQ(list.removeMatching(ElementMatcher("1"), SIZE_MAX, ChunkedList::Direction::kForward), 6u);
    EXPECT_EQ(list.removeMatching(ElementMatcher("2"), SIZE_MAX, ChunkedList::Direction::kForward), 7u);
    EXPECT_TRUE(list.empty());
    EXPECT_TRUE(list.isSingleChunk());
  }
}

TEST(ChunkedList, SmallNeighboursAreJoined) {
  ChunkedList list(ChunkLimit{.fill = 16});
  for (int i = 0; i < 1600; ++i) list.pushBack(i % 16 == 0 ? "keep" : "drop");
  EXPECT_EQ(list.chunkCount(), 100u);
  EXPECT_EQ(list.removeMatching(ElementMatcher("drop"), SIZE_MAX, ChunkedList::Direction::kForward), 1500u);
  EXPECT_LE(list.chunkCount(), 20u);
  list.checkInvariants();
}

TEST(ChunkedList, TrimmingDropsBothEnds) {
  ChunkedList list = numbers(100'000);
  list.eraseFront(60'000);
  list.eraseBack(39'990);
  list.checkInvariants();
  EXPECT_EQ(texts(list).front(), "item:60000");
  EXPECT_EQ(texts(list).back(), "item:60009");
  EXPECT_EQ(list.chunkCount(), 1u);
  EXPECT_TRUE(list.isSingleChunk());
  EXPECT_LT(list.memoryUsage(), 200u);
  list.eraseBack(10);
  EXPECT_TRUE(list.empty());
}

TEST(ChunkedList, IsFreedInPieces) {
  ChunkedList list = numbers(100'000);
  const ChunkedList frozen = list.snapshot();
  list.eraseFront(50'000);
  const size_t chunks = list.chunkCount();
  ChunkedList old = numbers(100'000);
  size_t steps = 0;
  while (!old.dropSome(5)) ++steps;
  EXPECT_GT(steps, 20u);
  // What a snapshot still holds is let go of at once.
  while (!list.dropSome(1)) --steps;
  EXPECT_GT(chunks, 50u);
  EXPECT_EQ(texts(frozen).size(), 100'000u);
  frozen.checkInvariants();
}

TEST(ChunkedList, TakesChunksAsAFileHoldsThem) {
  const ChunkedList original = numbers(5'000);
  ChunkedList loaded;
  for (size_t i = 0; i < original.size(); i += original.chunkAt(i).chunk->count()) {
    loaded.appendChunk(*PackedList::fromEntries(original.chunkAt(i).chunk->entries()));
  }
  loaded.checkInvariants();
  EXPECT_EQ(texts(loaded), texts(original));
  EXPECT_FALSE(loaded.isSingleChunk());

  ChunkedList narrow(ChunkLimit{.fill = 2});
  narrow.appendChunk(*PackedList::fromEntries(original.chunkAt(0).chunk->entries()));
  narrow.checkInvariants();
  EXPECT_EQ(narrow.size(), original.chunkAt(0).chunk->count());

  ChunkedList joined;
  for (const char* text : {"a", "b", "c"}) {
    PackedList chunk;
    chunk.pushBack(listpack::classify(text));
    joined.appendChunk(chunk);
  }
  EXPECT_EQ(texts(joined), (Texts{"a", "b", "c"}));
  EXPECT_TRUE(joined.isSingleChunk());
  EXPECT_EQ(joined.chunkCount(), 1u);
}

}  // namespace
}  // namespace vigil::ds
