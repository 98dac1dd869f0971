// Single entries of a listpack, Redis's compact encoding of a sequence of strings and integers. The packed lists in
// memory and the RDB's blobs share it. Pure functions, thread safe.
//
//   +----------------------+---------------------------+-----------------------------+
//   | encoding (and value  | the rest of the value     | backlen: size of the two    |
//   | where it is small)   |                           | parts before, 1 to 5 bytes  |
//   +----------------------+---------------------------+-----------------------------+
//
//   0xxxxxxx                     integer 0..127              11110000 + 4 bytes length, text
//   10xxxxxx  text               text of 0..63 bytes         11110001 + 2 bytes        int16
//   110xxxxx xxxxxxxx            integer of 13 bits, signed  11110010 + 3 bytes        int24
//   1110xxxx xxxxxxxx  text      text of up to 4095 bytes    11110011 + 4, 11110100 + 8 bytes: int32, int64
//   11111111 ends a listpack; it is no entry. Numbers of whole bytes are little endian.
//
// The backlen is read from its end: 7 bits per byte, the lowest last; each byte but the first has its top bit set. So
// whoever stands behind an entry can step back over it. Source: antirez/listpack, listpack.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vigil::listpack {

inline constexpr size_t kMaxTextSize = 0xFFFFFFF0;  // bytes of one text
inline constexpr size_t kMaxIntegerEntry = 10;      // bytes of an entry that holds an integer: 1 + 8 + 1
inline constexpr unsigned char kEnd = 0xFF;

// An element: an integer, or a text which views bytes that somebody else owns.
struct Value {
  std::string_view text;  // empty when isInteger
  int64_t number = 0;     // 0 unless isInteger
  bool isInteger = false;

  static Value ofText(std::string_view text) { return {text, 0, false}; }
  static Value ofInteger(int64_t number) { return {{}, number, true}; }
  bool operator==(const Value&) const = default;
};

// The number that `text` is the one canonical decimal form of (no plus sign, no leading zeros, no "-0").
std::optional<int64_t> canonicalInteger(std::string_view text);

// How Redis stores `text`: as an integer where it is the canonical form of one, else as it stands.
Value classify(std::string_view text);

// Bytes of the whole entry, backlen included.
size_t encodedSize(const Value& value);
inline size_t encodedSize(std::string_view text) { return encodedSize(classify(text)); }
inline size_t encodedSize(int64_t number) { return encodedSize(Value::ofInteger(number)); }

// Writes an entry of encodedSize() bytes at `at`; returns the byte behind it. Text of at most kMaxTextSize.
char* encode(const Value& value, char* at);
inline char* encode(std::string_view text, char* at) { return encode(classify(text), at); }
inline char* encode(int64_t number, char* at) { return encode(Value::ofInteger(number), at); }

struct Decoded {
  Value value;
  size_t size = 0;  // of the whole entry; 0: no valid entry here
};

// The entry at `at`, which must end at or before `limit`. Bytes may be hostile: the backlen is checked too.
Decoded decode(const char* at, const char* limit);

// The same of bytes that encode() wrote or decode() accepted.
Decoded decodeTrusted(const char* at);
size_t sizeTrusted(const char* at);

// The size of the entry that ends just before `end`, by its backlen; 0 when no entry can lie in [begin, end).
size_t sizeBefore(const char* begin, const char* end);

// Bytes that the backlen of an entry with `size` bytes of encoding and value takes.
size_t backlenSize(size_t size);

}  // namespace vigil::listpack
