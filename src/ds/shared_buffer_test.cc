#include "ds/shared_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace vigil::ds {
namespace {

TEST(SharedBuffer, HoldsExactlyWhatItWasMadeFrom) {
  const SharedBuffer buffer(std::string_view("a\0b", 3));
  EXPECT_EQ(buffer.view(), std::string_view("a\0b", 3));
  EXPECT_EQ(buffer.capacity(), 3u);
  EXPECT_TRUE(SharedBuffer().empty());
  EXPECT_EQ(SharedBuffer(std::string_view()).memoryUsage(), 0u);
}

TEST(SharedBuffer, AChangeIsInvisibleToOtherHandles) {
  SharedBuffer mine("hello");
  const SharedBuffer theirs = mine;
  EXPECT_EQ(mine.data(), theirs.data());
  EXPECT_FALSE(mine.isUnique());
  mine.append(" world");
  EXPECT_EQ(theirs.view(), "hello");
  EXPECT_EQ(mine.view(), "hello world");
  EXPECT_TRUE(mine.isUnique());
  EXPECT_TRUE(theirs.isUnique());

  const SharedBuffer before_write = mine;
  mine.mutableData()[0] = 'J';
  EXPECT_EQ(before_write.view(), "hello world");
  const SharedBuffer before_cut = mine;
  mine.resize(4);
  EXPECT_EQ(before_cut.view(), "Jello world");
  EXPECT_EQ(mine.view(), "Jell");
}

TEST(SharedBuffer, ResizeExtendsWithZeros) {
  SharedBuffer buffer("abc");
  buffer.resize(1);
  buffer.resize(4);
  EXPECT_EQ(buffer.view(), std::string_view("a\0\0\0", 4));
  SharedBuffer empty;
  empty.resize(2);
  EXPECT_EQ(empty.view(), std::string_view("\0\0", 2));
}

TEST(SharedBuffer, AppendsPartOfItself) {
  SharedBuffer buffer("abcdef");
  buffer.append(buffer.view().substr(2, 3));
  EXPECT_EQ(buffer.view(), "abcdefcde");
  const SharedBuffer shared = buffer;
  buffer.append(buffer.view());
  EXPECT_EQ(buffer.view(), "abcdefcdeabcdefcde");
}

TEST(SharedBuffer, GrowsTwofoldThenByOneMebibyte) {
  SharedBuffer buffer("1234567890");
  buffer.append("x");
  EXPECT_EQ(buffer.capacity(), 22u);
  buffer.resize(3 * SharedBuffer::kMaxPreallocation);
  EXPECT_EQ(buffer.capacity(), 4 * SharedBuffer::kMaxPreallocation);
  buffer.resize(3);
  buffer.shrinkToFit();
  EXPECT_EQ(buffer.capacity(), 3u);
  EXPECT_EQ(buffer.view(), "123");
  buffer.reserve(100);
  EXPECT_EQ(buffer.capacity(), 100u);
  EXPECT_EQ(buffer.view(), "123");
}

TEST(SharedBuffer, HandlesMayBeDroppedByAnotherThread) {
  SharedBuffer buffer("start");
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([copy = buffer, size = buffer.size()] { EXPECT_EQ(copy.view().size(), size); });
    buffer.append("more");
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(buffer.view(), "startmoremoremoremore");
}

}  // namespace
}  // namespace vigil::ds
