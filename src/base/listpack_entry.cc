#include "base/listpack_entry.h"

#include <cassert>
#include <cstring>
#include <limits>

#include "base/text.h"

namespace vigil::listpack {
namespace {

constexpr unsigned char kText32 = 0xF0;
constexpr unsigned char kInt16 = 0xF1;
constexpr unsigned char kInt24 = 0xF2;
constexpr unsigned char kInt32 = 0xF3;
constexpr unsigned char kInt64 = 0xF4;

unsigned char byteAt(const char* at) { return static_cast<unsigned char>(*at); }

uint64_t loadLittle(const char* at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value |= static_cast<uint64_t>(byteAt(at + i)) << (8 * i);
  return value;
}

void storeLittle(uint64_t value, size_t bytes, char* at) {
  for (size_t i = 0; i < bytes; i++) at[i] = static_cast<char>(value >> (8 * i));
}

// Bytes behind the encoding byte of an integer of this size; 0 and 1 are the two short forms.
size_t integerBytes(int64_t number) {
  if (number >= 0 && number <= 127) return 0;
  if (number >= -4096 && number <= 4095) return 1;
  if (number >= std::numeric_limits<int16_t>::min() && number <= std::numeric_limits<int16_t>::max()) return 2;
  if (number >= -(1 << 23) && number < (1 << 23)) return 3;
  if (number >= std::numeric_limits<int32_t>::min() && number <= std::numeric_limits<int32_t>::max()) return 4;
  return 8;
}

size_t textHeaderSize(size_t length) { return length < 64 ? 1 : length < 4096 ? 2 : 5; }

// Encoding and value, without the backlen.
size_t contentSize(const Value& value) {
  if (value.isInteger) return 1 + integerBytes(value.number);
  return textHeaderSize(value.text.size()) + value.text.size();
}

char* encodeInteger(int64_t number, char* at) {
  const auto bits = static_cast<uint64_t>(number);
  switch (integerBytes(number)) {
    case 0:
      *at++ = static_cast<char>(number);
      return at;
    case 1:
      *at++ = static_cast<char>(0xC0 | ((bits >> 8) & 0x1F));
      *at++ = static_cast<char>(bits);
      return at;
    case 2:
      *at = static_cast<char>(kInt16);
      storeLittle(bits, 2, at + 1);
      return at + 3;
    case 3:
      *at = static_cast<char>(kInt24);
      storeLittle(bits, 3, at + 1);
      return at + 4;
    case 4:
      *at = static_cast<char>(kInt32);
      storeLittle(bits, 4, at + 1);
      return at + 5;
    default:
      *at = static_cast<char>(kInt64);
      storeLittle(bits, 8, at + 1);
      return at + 9;
  }
}

char* encodeText(std::string_view text, char* at) {
  assert(text.size() <= kMaxTextSize);
  if (text.size() < 64) {
    *at++ = static_cast<char>(0x80 | text.size());
  } else if (text.size() < 4096) {
    *at++ = static_cast<char>(0xE0 | (text.size() >> 8));
    *at++ = static_cast<char>(text.size());
  } else {
    *at = static_cast<char>(kText32);
    storeLittle(text.size(), 4, at + 1);
    at += 5;
  }
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* encodeBacklen(size_t size, char* at) {
  const size_t bytes = backlenSize(size);
  for (size_t i = bytes; i-- > 0; size >>= 7) at[i] = static_cast<char>((size & 127) | (i > 0 ? 128 : 0));
  return at + bytes;
}

int64_t signExtend(uint64_t value, unsigned bits) { return static_cast<int64_t>(value << (64 - bits)) >> (64 - bits); }

// What an encoding byte and the length behind it say: where the value begins and how long it is.
struct Shape {
  uint32_t header = 0;   // 0: no entry begins with this byte
  uint64_t payload = 0;  // bytes behind the header
  bool isText = false;
};

// Bytes that must be there for the shape to be read.
size_t headerSize(unsigned char first) {
  if ((first & 0xF0) == 0xE0) return 2;
  return first == kText32 ? 5 : 1;
}

Shape shapeAt(const char* at) {
  const unsigned char first = byteAt(at);
  if (first < 0x80) return {1, 0, false};
  if (first < 0xC0) return {1, first & 0x3Fu, true};
  if (first < 0xE0) return {1, 1, false};
  if (first < 0xF0) return {2, (static_cast<uint64_t>(first & 0x0F) << 8) | byteAt(at + 1), true};
  switch (first) {
    case kText32:
      return {5, loadLittle(at + 1, 4), true};
    case kInt16:
      return {1, 2, false};
    case kInt24:
      return {1, 3, false};
    case kInt32:
      return {1, 4, false};
    case kInt64:
      return {1, 8, false};
    default:
      return {};
  }
}

Value valueAt(const char* at, const Shape& shape) {
  if (shape.isText) return Value::ofText({at + shape.header, static_cast<size_t>(shape.payload)});
  const unsigned char first = byteAt(at);
  if (shape.payload == 0) return Value::ofInteger(first);
  if (shape.payload == 1) {
    return Value::ofInteger(signExtend((static_cast<uint64_t>(first & 0x1F) << 8) | byteAt(at + 1), 13));
  }
  return Value::ofInteger(signExtend(loadLittle(at + 1, shape.payload), static_cast<unsigned>(shape.payload * 8)));
}

// Reads a backlen whose last byte is at end[-1]. Returns its bytes and its value, or bytes 0 when it is no backlen.
struct Backlen {
  size_t bytes = 0;
  uint64_t value = 0;
};

Backlen backlenBefore(const char* begin, const char* end) {
  Backlen backlen;
  while (backlen.bytes < 5 && end - static_cast<ptrdiff_t>(backlen.bytes) > begin) {
    const unsigned char byte = byteAt(end - 1 - backlen.bytes);
    backlen.value |= static_cast<uint64_t>(byte & 127) << (7 * backlen.bytes);
    backlen.bytes++;
    if (byte < 128) return backlen;
  }
  return {};
}

}  // namespace

std::optional<int64_t> canonicalInteger(std::string_view text) { return parseInt64(text); }

Value classify(std::string_view text) {
  const auto number = canonicalInteger(text);
  return number ? Value::ofInteger(*number) : Value::ofText(text);
}

// The uneven bounds are Redis's: 16383 bytes already take three bytes of backlen.
size_t backlenSize(size_t size) {
  if (size <= 127) return 1;
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  if (size < 268435455) return 4;
  return 5;
}

size_t encodedSize(const Value& value) {
  const size_t content = contentSize(value);
  return content + backlenSize(content);
}

char* encode(const Value& value, char* at) {
  char* const end = value.isInteger ? encodeInteger(value.number, at) : encodeText(value.text, at);
  return encodeBacklen(static_cast<size_t>(end - at), end);
}

Decoded decode(const char* at, const char* limit) {
  if (at >= limit) return {};
  const auto room = static_cast<uint64_t>(limit - at);
  if (room < headerSize(byteAt(at))) return {};
  const Shape shape = shapeAt(at);
  if (shape.header == 0) return {};
  const uint64_t content = shape.header + shape.payload;
  if (content > room || room - content < backlenSize(content)) return {};
  const size_t total = content + backlenSize(content);
  const Backlen backlen = backlenBefore(at + content, at + total);
  if (backlen.bytes != total - content || backlen.value != content) return {};
  return {valueAt(at, shape), total};
}

Decoded decodeTrusted(const char* at) {
  const Shape shape = shapeAt(at);
  const size_t content = shape.header + shape.payload;
  return {valueAt(at, shape), content + backlenSize(content)};
}

size_t sizeTrusted(const char* at) {
  const Shape shape = shapeAt(at);
  const size_t content = shape.header + shape.payload;
  return content + backlenSize(content);
}

size_t sizeBefore(const char* begin, const char* end) {
  const Backlen backlen = backlenBefore(begin, end);
  if (backlen.bytes == 0 || backlen.value == 0) return 0;
  const uint64_t total = backlen.value + backlen.bytes;
  return total <= static_cast<uint64_t>(end - begin) ? total : 0;
}

}  // namespace vigil::listpack
