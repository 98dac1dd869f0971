#include "wire/packed_blob.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vigil::wire {
namespace {

using listpack::Value;

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (int value : values) out += static_cast<char>(value);
  return out;
}

// The elements as one line, or "damaged".
std::string elements(PackedFormat format, const std::string& blob) {
  const std::string exact(blob);  // its end is the allocation's end, for AddressSanitizer
  auto reader = PackedReader::open(format, exact);
  if (!reader) return "damaged";
  std::string shown;
  Value value;
  for (;;) {
    const auto step = reader->next(value);
    if (step == PackedReader::Step::kDamaged) return "damaged";
    if (step == PackedReader::Step::kEnd) return shown;
    shown += value.isInteger ? std::to_string(value.number) : "'" + std::string(value.text) + "'";
    shown += ' ';
  }
}

void expectEveryCutIsDamage(PackedFormat format, const std::string& blob) {
  for (size_t length = 0; length < blob.size(); length++) {
    EXPECT_EQ(elements(format, blob.substr(0, length)), "damaged") << length;
    EXPECT_FALSE(checkPacked(format, blob.substr(0, length)));
  }
  EXPECT_TRUE(checkPacked(format, blob));
}

std::string sampleListpack() {
  std::string entries;
  for (const char* text : {"a", "1", "-70000", "hello"}) {
    std::string entry(listpack::encodedSize(std::string_view(text)), '\0');
    listpack::encode(std::string_view(text), entry.data());
    entries += entry;
  }
  return makeListpack(entries, 4);
}

// One entry per encoding, linked.
std::string sampleZiplist() {
  std::vector<std::string> values = {bytes({2}) + "hi",
                                     bytes({0x41, 0x2C}) + std::string(300, 'm'),
                                     bytes({0x80, 0, 0, 0, 3}) + "big",
                                     bytes({0xC0, 0x00, 0x80}),
                                     bytes({0xD0, 0xFF, 0xFF, 0xFF, 0x7F}),
                                     bytes({0xE0, 0, 0, 0, 0, 0, 0, 0, 0x80}),
                                     bytes({0xF0, 0, 0, 0x80}),
                                     bytes({0xFE, 0x80}),
                                     bytes({0xF1}),
                                     bytes({0xFD})};
  std::string entries;
  size_t last = 0;
  for (const std::string& value : values) {
    std::string entry = last < 254 ? bytes({static_cast<int>(last)})
                                   : bytes({0xFE, static_cast<int>(last & 255), static_cast<int>(last >> 8), 0, 0});
    entry += value;
    last = entry.size();
    entries += entry;
  }
  const size_t total = 10 + entries.size() + 1;
  const size_t tail = 10 + entries.size() - last;
  return bytes({static_cast<int>(total & 255), static_cast<int>(total >> 8), 0, 0, static_cast<int>(tail & 255),
                static_cast<int>(tail >> 8), 0, 0, static_cast<int>(values.size()), 0}) +
         entries + bytes({0xFF});
}

TEST(PackedReader, ReadsListpacks) {
  EXPECT_EQ(elements(PackedFormat::kListpack, sampleListpack()), "'a' 1 -70000 'hello' ");
  EXPECT_EQ(elements(PackedFormat::kListpack, makeListpack("", 0)), "");
  expectEveryCutIsDamage(PackedFormat::kListpack, sampleListpack());
}

TEST(PackedReader, ReadsEveryEncodingOfZiplists) {
  EXPECT_EQ(elements(PackedFormat::kZiplist, sampleZiplist()),
            "'hi' '" + std::string(300, 'm') + "' 'big' -32768 2147483647 -9223372036854775808 -8388608 -128 0 12 ");
  EXPECT_EQ(elements(PackedFormat::kZiplist, bytes({11, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0xFF})), "");
  expectEveryCutIsDamage(PackedFormat::kZiplist, sampleZiplist());
}

TEST(PackedReader, ReadsIntsets) {
  EXPECT_EQ(elements(PackedFormat::kIntset, bytes({2, 0, 0, 0, 2, 0, 0, 0, 0xFF, 0xFF, 7, 0})), "-1 7 ");
  EXPECT_EQ(elements(PackedFormat::kIntset, bytes({4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80})), "-2147483648 ");
  const std::string wide = bytes({8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80});
  EXPECT_EQ(elements(PackedFormat::kIntset, wide), "-9223372036854775808 ");
  EXPECT_EQ(elements(PackedFormat::kIntset, bytes({3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0})), "damaged");
  expectEveryCutIsDamage(PackedFormat::kIntset, wide);
}

TEST(PackedReader, ReadsZipmaps) {
  const std::string zipmap =
      bytes({2, 1}) + "k" + bytes({2, 3}) + "vw123" + bytes({0xFE, 1, 0, 0, 0}) + "l" + bytes({0, 0, 0xFF});
  EXPECT_EQ(elements(PackedFormat::kZipmap, zipmap), "'k' 'vw' 'l' '' ");
  expectEveryCutIsDamage(PackedFormat::kZipmap, zipmap);
}

TEST(PackedReader, AHeaderThatLiesIsDamage) {
  std::string listpack = sampleListpack();
  listpack[4] = 3;
  EXPECT_EQ(elements(PackedFormat::kListpack, listpack), "damaged");
  std::string ziplist = sampleZiplist();
  ziplist[4]++;
  EXPECT_EQ(elements(PackedFormat::kZiplist, ziplist), "damaged");
  ziplist = sampleZiplist();
  ziplist[14]++;  // the second entry's link
  EXPECT_EQ(elements(PackedFormat::kZiplist, ziplist), "damaged");
}

TEST(PackedReader, AFullCountMeansUnknown) {
  std::string listpack = sampleListpack();
  listpack[4] = listpack[5] = '\xFF';
  EXPECT_EQ(elements(PackedFormat::kListpack, listpack), "'a' 1 -70000 'hello' ");
}

}  // namespace
}  // namespace vigil::wire
