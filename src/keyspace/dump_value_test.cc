#include "keyspace/dump_value.h"

#include <gtest/gtest.h>

#include <string>

#include "base/crc64.h"
#include "keyspace/entry.h"
#include "wire/dump_payload.h"

namespace vigil::keyspace {
namespace {

using namespace std::string_literals;

std::string show(const Entry& entry) {
  if (entry.isList()) {
    std::string text = "list";
    for (auto at = entry.list().cursorAt(0); at.valid(); at.next()) {
      ds::IntegerText digits;
      text += " " + std::string(ds::toText(at.element(), digits));
    }
    return text;
  }
  Entry::Scratch scratch;
  return (entry.isInt() ? "number " : "text ") + std::string(entry.stringValue(scratch));
}

// The value after both ways, or the error.
std::string restored(std::string_view payload) {
  const auto value = wire::openDumpPayload(payload);
  if (!value) return "wrong footer";
  const auto entry = restoreValue(*value, "other", 0, {});
  if (!entry) return entry.error().message;
  std::string text = show(**entry);
  EXPECT_EQ((*entry)->key(), "other");
  Entry::free(*entry);
  return text;
}

std::string roundTrip(Entry* entry, bool compress = true) {
  const std::string payload = dumpValue(*entry, compress);
  Entry::free(entry);
  return restored(payload);
}

TEST(DumpValue, GoesBothWays) {
  EXPECT_EQ(roundTrip(Entry::makeString("k", "hello")), "text hello");
  EXPECT_EQ(roundTrip(Entry::makeString("k", "")), "text ");
  EXPECT_EQ(roundTrip(Entry::makeInt("k", -70000)), "number -70000");
  EXPECT_EQ(roundTrip(Entry::makeInt("k", INT64_MIN)), "number -9223372036854775808");
  const std::string large(100000, 'x');
  EXPECT_EQ(roundTrip(Entry::makeString("k", large)), "text " + large);
  EXPECT_EQ(roundTrip(Entry::makeString("k", large), false), "text " + large);
  auto list = std::make_unique<ds::ChunkedList>(ds::ChunkLimit{2});
  for (const char* text : {"a", "7", "", "b", "c"}) list->pushBack(text);
  list->pushFront(large);
  EXPECT_EQ(roundTrip(Entry::makeList("k", list.release())), "list " + large + " a 7  b c");
}

TEST(DumpValue, IsWhatRedisWrites) {
  Entry* entry = Entry::makeString("k", "hello");
  EXPECT_EQ(dumpValue(*entry, true), "\0\5hello\n\0\x63\x72\xdf\x76\x65\x34\x20\n"s);
  Entry::free(entry);
}

TEST(DumpValue, ChecksTheFooter) {
  const std::string value = "\0\5hello"s;
  std::string payload = value;
  wire::sealDumpPayload(payload);
  EXPECT_EQ(wire::openDumpPayload(payload), value);
  for (size_t i = 0; i < payload.size(); ++i) {
    std::string damaged = payload;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_EQ(wire::openDumpPayload(damaged), std::nullopt) << i;
    EXPECT_EQ(wire::openDumpPayload(std::string_view(payload).substr(0, i)), std::nullopt) << i;
  }
  std::string unchecked = payload;
  unchecked.back() = static_cast<char>(unchecked.back() + 1);
  EXPECT_EQ(wire::openDumpPayload(unchecked, false), value);
  for (const auto& [version, accepted] : {std::pair{'\0', true}, {'\x0b', true}, {'\x0c', false}}) {
    std::string other = value + version + "\0"s;
    const uint64_t crc = crc64(other);
    for (int i = 0; i < 8; ++i) other += static_cast<char>(crc >> (8 * i));
    EXPECT_EQ(wire::openDumpPayload(other).has_value(), accepted) << int{version};
  }
}

TEST(DumpValue, RefusesWhatIsNoValue) {
  for (const std::string& value : {""s, "\x63"s, "\0\5hell"s, "\1\0"s, "\1\2\1a"s, "\xfe\0\0\5hello"s, "\x12\1\3\0"s}) {
    const auto entry = restoreValue(value, "k", 0, {});
    ASSERT_FALSE(entry);
    EXPECT_EQ(entry.error().message, "Bad data format");
  }
  EXPECT_EQ(restoreValue("\xf\0"s, "k", 0, {}).error().message,
            "Bad data format: the value has type stream (RDB type 15), which Vigil does not hold yet (at offset 1)");
}

TEST(DumpValue, KeepsTheTimeToLive) {
  const auto entry = restoreValue("\0\5hello and more"s, "k", 77, {});
  ASSERT_TRUE(entry);
  EXPECT_EQ((*entry)->expireAt(), 77);
  Entry::free(*entry);
}

}  // namespace
}  // namespace vigil::keyspace
