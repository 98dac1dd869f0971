#include "ds/bit_operations.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace vigil::ds {

namespace {

uint64_t loadWord(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

unsigned char byteAt(std::string_view bytes, uint64_t i) { return static_cast<unsigned char>(bytes[i]); }

// The bits of a byte from `from` to `to`, counted from its highest.
unsigned char bitMask(uint64_t from, uint64_t to) {
  return static_cast<unsigned char>((0xFFu >> from) & (0xFFu << (7 - to)));
}

}  // namespace

uint64_t countBits(std::string_view bytes) {
  uint64_t count = 0;
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= bytes.size(); i += sizeof(uint64_t)) {
    count += static_cast<uint64_t>(std::popcount(loadWord(bytes.data() + i)));
  }
  for (; i < bytes.size(); ++i) count += static_cast<uint64_t>(std::popcount(byteAt(bytes, i)));
  return count;
}

uint64_t countBits(std::string_view bytes, uint64_t first, uint64_t last) {
  if (first > last) return 0;
  assert(last / 8 < bytes.size());
  const uint64_t firstByte = first / 8;
  const uint64_t lastByte = last / 8;
  const auto count = [&](uint64_t byte, unsigned char mask) {
    return static_cast<uint64_t>(std::popcount(static_cast<unsigned char>(byteAt(bytes, byte) & mask)));
  };
  if (firstByte == lastByte) return count(firstByte, bitMask(first % 8, last % 8));
  return count(firstByte, bitMask(first % 8, 7)) + countBits(bytes.substr(firstByte + 1, lastByte - firstByte - 1)) +
         count(lastByte, bitMask(0, last % 8));
}

std::optional<uint64_t> findBit(std::string_view bytes, bool bit, uint64_t first, uint64_t last) {
  if (first > last) return std::nullopt;
  assert(last / 8 < bytes.size());
  const unsigned char flip = bit ? 0 : 0xFF;
  const uint64_t skipped = bit ? 0 : ~uint64_t{0};
  const uint64_t lastByte = last / 8;
  for (uint64_t i = first / 8; i <= lastByte; ++i) {
    if (i > first / 8) {
      while (i + sizeof(uint64_t) <= lastByte && loadWord(bytes.data() + i) == skipped) i += sizeof(uint64_t);
    }
    const unsigned char mask = bitMask(i == first / 8 ? first % 8 : 0, i == lastByte ? last % 8 : 7);
    const auto wanted = static_cast<unsigned char>((byteAt(bytes, i) ^ flip) & mask);
    if (wanted != 0) return i * 8 + static_cast<uint64_t>(std::countl_zero(wanted));
  }
  return std::nullopt;
}

bool setBit(std::span<char> bytes, uint64_t at, bool bit) {
  char& byte = bytes[at / 8];
  const auto mask = static_cast<char>(0x80u >> at % 8);
  const bool old = (byte & mask) != 0;
  byte = static_cast<char>(bit ? byte | mask : byte & ~mask);
  return old;
}

void combineBits(BitOperation operation, std::span<char> out, std::string_view operand) {
  const size_t common = std::min(out.size(), operand.size());
  switch (operation) {
    case BitOperation::kAnd:
      for (size_t i = 0; i < common; ++i) out[i] = static_cast<char>(out[i] & operand[i]);
      std::fill(out.begin() + static_cast<std::ptrdiff_t>(common), out.end(), '\0');
      return;
    case BitOperation::kOr:
      for (size_t i = 0; i < common; ++i) out[i] = static_cast<char>(out[i] | operand[i]);
      return;
    case BitOperation::kXor:
      for (size_t i = 0; i < common; ++i) out[i] = static_cast<char>(out[i] ^ operand[i]);
      return;
    case BitOperation::kNot:
      for (char& byte : out) byte = static_cast<char>(~byte);
      return;
  }
}

int64_t readBitInteger(std::string_view bytes, uint64_t at, BitInteger type) {
  uint64_t value = 0;
  for (int i = 0; i < type.bits; ++i) value = value << 1 | (getBit(bytes, at + static_cast<uint64_t>(i)) ? 1 : 0);
  const bool negative = type.isSigned && type.bits < 64 && (value >> (type.bits - 1) & 1) != 0;
  if (negative) value |= ~uint64_t{0} << type.bits;
  return static_cast<int64_t>(value);
}

void writeBitInteger(std::span<char> bytes, uint64_t at, BitInteger type, int64_t value) {
  for (int i = 0; i < type.bits; ++i) {
    const int shift = type.bits - 1 - i;
    setBit(bytes, at + static_cast<uint64_t>(i), (static_cast<uint64_t>(value) >> shift & 1) != 0);
  }
}

std::optional<int64_t> addBitInteger(int64_t value, int64_t increment, BitInteger type, Overflow overflow) {
  // 128 bits hold every sum exactly. An unsigned field takes a value to be stored as 64 unsigned bits.
  __extension__ using Wide = __int128;
  const Wide greatest = type.isSigned ? (Wide{1} << (type.bits - 1)) - 1 : (Wide{1} << type.bits) - 1;
  const Wide least = type.isSigned ? -(Wide{1} << (type.bits - 1)) : Wide{0};
  const Wide start = type.isSigned ? Wide{value} : Wide{static_cast<uint64_t>(value)};
  const Wide sum = start + increment;
  if (sum >= least && sum <= greatest) return static_cast<int64_t>(sum);
  if (overflow == Overflow::kFail) return std::nullopt;
  if (overflow == Overflow::kSaturate) return static_cast<int64_t>(sum > greatest ? greatest : least);
  auto wrapped = static_cast<uint64_t>(sum);
  if (type.bits < 64) {
    wrapped &= (uint64_t{1} << type.bits) - 1;
    const bool negative = type.isSigned && (wrapped >> (type.bits - 1) & 1) != 0;
    if (negative) wrapped |= ~uint64_t{0} << type.bits;
  }
  return static_cast<int64_t>(wrapped);
}

}  // namespace vigil::ds
