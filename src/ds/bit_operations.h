// Bits of byte strings, as SETBIT and its kin see them: bit 0 is the highest bit of the first byte. Pure functions,
// thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace vigil::ds {

// How many bits are set in all.
uint64_t countBits(std::string_view bytes);
// How many of the bits [first, last] are set; last < 8 * bytes.size().
uint64_t countBits(std::string_view bytes, uint64_t first, uint64_t last);

// The first bit of [first, last] that is `bit`; nullopt if there is none. last < 8 * bytes.size().
std::optional<uint64_t> findBit(std::string_view bytes, bool bit, uint64_t first, uint64_t last);

inline bool getBit(std::string_view bytes, uint64_t at) {
  return at / 8 < bytes.size() && (static_cast<unsigned char>(bytes[at / 8]) >> (7 - at % 8) & 1) != 0;
}
// Sets a bit of bytes that are there; returns what it was.
bool setBit(std::span<char> bytes, uint64_t at, bool bit);

enum class BitOperation : uint8_t { kAnd, kOr, kXor, kNot };
// out = out OP operand, the shorter operand continued by zero bytes; out is as long as the longest of all operands.
// kNot: out = NOT out, the operand is not looked at.
void combineBits(BitOperation operation, std::span<char> out, std::string_view operand);

// --- Integers of 1 to 64 bits at any bit offset, the highest bit first (BITFIELD) ---

struct BitInteger {
  bool isSigned = false;
  int bits = 0;  // signed: 1..64, unsigned: 1..63
};

// Bits behind the end read as zero.
int64_t readBitInteger(std::string_view bytes, uint64_t at, BitInteger type);
// Writes the lowest type.bits bits of value; the bytes must be there.
void writeBitInteger(std::span<char> bytes, uint64_t at, BitInteger type, int64_t value);

enum class Overflow : uint8_t { kWrap, kSaturate, kFail };
// value + increment as an integer of that type; nullopt if it overflows and that is to fail. `value` is in range for
// an addition; for storing a value as it is, the increment is 0 and any value is allowed.
std::optional<int64_t> addBitInteger(int64_t value, int64_t increment, BitInteger type, Overflow overflow);

}  // namespace vigil::ds
