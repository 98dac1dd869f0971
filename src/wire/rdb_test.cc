// The RDB reader and writer, against each other and against files of redis-server 7.0.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/crc64.h"
#include "wire/rdb_reader.h"
#include "wire/rdb_samples.h"
#include "wire/rdb_writer.h"

namespace vigil::wire {
namespace {

using Event = RdbReader::Event;
using listpack::Value;

std::string show(const Value& value) {
  return value.isInteger ? std::to_string(value.number) : "'" + std::string(value.text) + "'";
}

std::string show(const RdbKey& key) {
  std::string text(key.key);
  if (key.expireAt) text += " expires " + std::to_string(*key.expireAt);
  if (key.idleSeconds) text += " idle " + std::to_string(*key.idleSeconds);
  if (key.frequency) text += " frequency " + std::to_string(*key.frequency);
  return text;
}

std::string show(RdbReader& reader, Event event) {
  switch (event) {
    case Event::kVersion:
      return "version " + std::to_string(reader.number()) + "\n";
    case Event::kAux:
      return "aux " + std::string(reader.name()) + "=" + std::string(reader.text()) + "\n";
    case Event::kFunction:
      return "function " + std::string(reader.text().substr(0, 16)) + "\n";
    case Event::kSelectDb:
      return "db " + std::to_string(reader.number()) + "\n";
    case Event::kResizeDb:
      return "keys " + std::to_string(reader.number()) + " expires " + std::to_string(reader.secondNumber()) + "\n";
    case Event::kString:
      return show(reader.key()) + " = " + show(reader.value()) + "\n";
    case Event::kBegin:
      return show(reader.key()) + " [";
    case Event::kItem:
      return " " + show(reader.value());
    case Event::kEnd:
      return " ]\n";
    case Event::kEof:
      return "eof\n";
    default:
      return reader.error();
  }
}

// All events as text. The bytes come in pieces, each time at another address.
std::string read(const std::string& file, size_t piece, RdbReader::Options options = {}) {
  RdbReader reader(options);
  std::string shown;
  std::string buffer;
  for (size_t at = 0; at < file.size(); at += piece) {
    buffer = std::string(buffer) + file.substr(at, piece);
    std::string_view unread = buffer;
    for (;;) {
      const Event event = reader.next(unread);
      if (event == Event::kNeedMore) break;
      shown += show(reader, event);
      if (event == Event::kError || event == Event::kEof) return shown;
    }
    buffer = std::string(unread);
  }
  return shown + reader.truncated();
}

std::string read(const std::string& file) {
  const std::string whole = read(file, file.size());
  for (size_t piece : {1, 2, 7, 50}) EXPECT_EQ(read(file, piece), whole) << piece;
  return whole;
}

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (int value : values) out += static_cast<char>(value);
  return out;
}

TEST(RdbReader, ReadsWhatRedisWrote) {
  std::string abc;
  for (int i = 0; i < 100; i++) abc += "abc";
  const std::string shown = read(samples::fromHex(samples::kStringsAndLists));
  EXPECT_NE(shown.find("aux redis-ver=7.0.15\naux redis-bits=64\n"), std::string::npos);
  for (const std::string& line :
       {std::string("version 10"), std::string("function #!lua name=mylib"), std::string("db 0\nkeys 14 expires 1"),
        std::string("plain = 'hello'"), std::string("empty = ''"), std::string("i8 = -100"), std::string("i16 = 30000"),
        std::string("i32 = -2000000000"), std::string("i64 = '9000000000'"), std::string("12345 = 'numerickey'"),
        std::string("notint = '007'"), "long = '" + abc + "'", std::string(70, 'k') + " = 'longkey'",
        std::string("expiring expires 33177117420000 = 'v'"),
        "list [ 'a' 1 -5000 '" + std::string(90, 'z') + "' 70000 9000000000 '' ]", std::string("nodes [ 1 2 3 4 5 ]"),
        "plainnodes [ 'small' '" + std::string(60, 'P') + "' 'tail' ]",
        std::string("db 3\nkeys 1 expires 0\notherdb = 'x'\neof")}) {
    EXPECT_NE(shown.find(line), std::string::npos) << line << "\n" << shown;
  }
  EXPECT_NE(read(samples::fromHex(samples::kIdleTime)).find("a idle 0 = 'b'\neof"), std::string::npos);
  EXPECT_NE(read(samples::fromHex(samples::kFrequency)).find("a frequency 0 = 'b'\neof"), std::string::npos);
}

TEST(RdbReader, NamesKeyAndTypeThatItCannotRead) {
  const std::string shown = read(samples::fromHex(samples::kWithSet));
  EXPECT_NE(shown.find("key 's' has type set (RDB type 11), which Vigil does not hold yet (at offset "),
            std::string::npos)
      << shown;
  EXPECT_EQ(read("REDIS0009" + bytes({7, 1}) + "m" + bytes({0x81, 0x26, 0x08, 0x5A, 0x2B, 0x6A, 0x7F, 0xAC, 0x01})),
            "version 9\nkey 'm' has type '" + rdbModuleTypeName(0x26085A2B6A7FAC01) +
                "' (RDB type 7) of a module, which Vigil does not load (at offset 21)");
}

// One list per historic form, in a file of version 3 (no checksum), and times in seconds.
TEST(RdbReader, ReadsTheHistoricFormsOfLists) {
  const std::string ziplist = bytes({16, 0, 0, 0, 12, 0, 0, 0, 2, 0, 0, 0xF2, 2, 0xFE, 0x85, 0xFF});
  const std::string blob = bytes({static_cast<int>(ziplist.size())}) + ziplist;
  std::string file = "REDIS0003" + bytes({254, 0});
  file += bytes({253, 1, 0, 0, 0, 1, 1}) + "l" + bytes({3, 1}) + "x" + bytes({0xC0, 5, 0});
  file += bytes({10, 1}) + "z" + blob;
  file += bytes({14, 1}) + "q" + bytes({2}) + blob + blob;
  file += bytes({14, 1}) + "e" + bytes({0}) + bytes({255});
  EXPECT_EQ(read(file),
            "version 3\ndb 0\nl expires 1000 [ 'x' 5 '' ]\nz [ 1 -123 ]\nq [ 1 -123 1 -123 ]\ne [ ]\neof\n");
}

// Every blob is empty: the reader must neither yield items nor nest.
TEST(RdbReader, ManyEmptyNodesAreOneEmptyList) {
  const std::string ziplist = bytes({11, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0xFF});
  std::string file = "REDIS0003" + bytes({14, 1}) + "q" + bytes({0x80, 0, 1, 0x86, 0xA0});
  for (int i = 0; i < 100000; i++) file += bytes({11}) + ziplist;
  EXPECT_EQ(read(file + bytes({255}), 100000), "version 3\nq [ ]\neof\n");
}

TEST(RdbReader, TheChecksumIsVerifiedUnlessItIsZero) {
  std::string file = samples::fromHex(samples::kIdleTime);
  EXPECT_NE(read(file).find("eof\n"), std::string::npos);
  file[file.size() - 1] = static_cast<char>(file.back() ^ 1);
  EXPECT_NE(read(file).find("Wrong RDB checksum expected: ("), std::string::npos);
  EXPECT_NE(read(file, 10, {.verifyChecksum = false}).find("eof\n"), std::string::npos);
  file.replace(file.size() - 8, 8, 8, '\0');
  EXPECT_NE(read(file).find("eof\n"), std::string::npos);
}

TEST(RdbReader, RefusesWhatItMustNotGuess) {
  EXPECT_EQ(read("REDIX0010"), "Wrong signature trying to load DB from file");
  EXPECT_EQ(read("REDIS0012"), "Can't handle RDB format version 12");
  EXPECT_EQ(read("REDIS0000"), "Can't handle RDB format version 0");
  EXPECT_EQ(read("REDIS0011" + bytes({99})), "version 11\nUnknown RDB type or opcode 99 (at offset 10)");
  EXPECT_EQ(read("REDIS0009" + bytes({246})), "version 9\nPre-release function format not supported (at offset 9)");
  EXPECT_EQ(read("REDIS0009" + bytes({0, 1, 'k', 0xC4})),
            "version 9\nUnknown RDB string encoding type 4 (at offset 13)");
  EXPECT_EQ(read("REDIS0009" + bytes({0, 1, 'k', 0x82})), "version 9\nUnknown length encoding 130 (at offset 13)");
  EXPECT_EQ(read("REDIS0009" + bytes({0, 1, 'k', 0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0})),
            "version 9\nA string of 18374686479671623680 bytes is too long (at offset 21)");
  EXPECT_EQ(read("REDIS0009" + bytes({0, 1, 'k', 0xC3, 2, 0x80, 0x7F, 0, 0, 0, 1, 1})),
            "version 9\nA compressed string of 2 bytes cannot have 2130706432 (at offset 19)");
  EXPECT_EQ(read("REDIS0009" + bytes({0, 1, 'k', 0xC3, 2, 3, 9, 9})),
            "version 9\nInvalid LZF compressed string (at offset 17)");
  EXPECT_EQ(read("REDIS0010" + bytes({18, 1, 'k', 1, 3, 0})),
            "version 10\nk [key 'k' has a node of the unknown kind 3 (at offset 14)");
  EXPECT_EQ(read("REDIS0010" + bytes({10, 1, 'k', 2, 9, 9})),
            "version 10\nk [key 'k': damaged header of a ziplist (at offset 12)");
}

TEST(RdbReader, SaysWhereAFileIsCutOff) {
  const std::string file = samples::fromHex(samples::kStringsAndLists);
  for (size_t length = 9; length < file.size(); length++) {
    EXPECT_NE(read(file.substr(0, length), 64).find("Unexpected EOF reading RDB file (at offset "), std::string::npos);
  }
  RdbReader reader;
  const std::string start = "REDIS0010" + bytes({0, 1, 'k', 0x80, 0, 0x0F, 0x42, 0x40, 'x'});
  std::string_view unread = start;
  ASSERT_EQ(reader.next(unread), Event::kVersion);
  ASSERT_EQ(reader.next(unread), Event::kNeedMore);
  EXPECT_EQ(reader.missing(), 999999u);
}

std::string writeSample(RdbWriteOptions options, bool inPieces) {
  RdbWriter writer(options);
  std::string file;
  const auto flush = [&] {
    if (inPieces) file += writer.take();
  };
  writer.header();
  writer.aux("repl-id", "0123456789012345678901234567890123456789");
  writer.aux("repl-offset", 123456789012345);
  writer.function("#!lua name=mylib\nredis.register_function('f', function() return 1 end)");
  flush();
  writer.selectDb(0);
  writer.resizeDb(70000, 1);
  writer.string({.key = "s"}, Value::ofText("text"));
  writer.string({.key = "77", .expireAt = 33177117420000}, Value::ofText("-1000"));
  writer.string({.key = "idle", .idleSeconds = 100000}, Value::ofInteger(70000));
  writer.string({.key = "freq", .frequency = uint8_t{200}}, Value::ofInteger(9000000000));
  flush();
  writer.string({.key = "long"}, Value::ofText(std::string(20000, 'c')));
  std::string entries;
  for (const char* element : {"one", "2", "-30000"}) {
    std::string entry(listpack::encodedSize(std::string_view(element)), '\0');
    listpack::encode(std::string_view(element), entry.data());
    entries += entry;
  }
  writer.beginList({.key = "list"}, 3);
  writer.packedNode(entries, 3);
  flush();
  writer.plainNode("a plain element");
  writer.packedNode(entries, 3);
  writer.selectDb(70);
  writer.string({.key = "k"}, Value::ofText(""));
  writer.finish();
  return file + writer.take();
}

TEST(RdbWriter, WhatItWritesIsReadBack) {
  const std::string expected =
      "version 10\naux repl-id=0123456789012345678901234567890123456789\naux repl-offset=123456789012345\n"
      "function #!lua name=mylib\ndb 0\nkeys 70000 expires 1\ns = 'text'\n77 expires 33177117420000 = -1000\n"
      "idle idle 100000 = 70000\nfreq frequency 200 = '9000000000'\nlong = '" +
      std::string(20000, 'c') + "'\nlist [ 'one' 2 -30000 'a plain element' 'one' 2 -30000 ]\ndb 70\nk = ''\neof\n";
  for (bool compress : {false, true}) {
    const std::string file = writeSample({.compress = compress}, true);
    EXPECT_EQ(file, writeSample({.compress = compress}, false));
    EXPECT_EQ(read(file).substr(0, expected.size()), expected);
    EXPECT_EQ(file.size() > 20000, !compress);
  }
  const std::string unchecked = writeSample({.checksum = false}, true);
  EXPECT_EQ(unchecked.substr(unchecked.size() - 8), std::string(8, '\0'));
}

TEST(RdbFormat, ModuleNamesAreDecoded) { EXPECT_EQ(rdbModuleTypeName(0), "AAAAAAAAA"); }

}  // namespace
}  // namespace vigil::wire
