// Decimal digits, for where they are written with every command: two at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace vigil {

inline constexpr size_t kMaxDecimal = 20;  // "-9223372036854775808", "18446744073709551615"

inline constexpr auto kDigitPairs = [] {
  std::array<char, 200> pairs{};  // "00", "01", … "99"
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

inline size_t decimalDigits(uint64_t value) {
  size_t digits = 1;
  while (value >= 10000) {
    value /= 10000;
    digits += 4;
  }
  return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

// Writes a number at `at`, where kMaxDecimal bytes are free; returns what follows its last digit.
inline char* putDecimal(char* at, uint64_t value) {
  char* const end = at + decimalDigits(value);
  char* next = end;
  for (; value >= 100; value /= 100) std::memcpy(next -= 2, &kDigitPairs[2 * (value % 100)], 2);
  if (value >= 10) {
    std::memcpy(at, &kDigitPairs[2 * value], 2);
  } else {
    *at = static_cast<char>('0' + value);
  }
  return end;
}

inline char* putDecimal(char* at, int64_t value) {
  if (value >= 0) return putDecimal(at, static_cast<uint64_t>(value));
  *at = '-';
  return putDecimal(at + 1, -static_cast<uint64_t>(value));
}

}  // namespace vigil
