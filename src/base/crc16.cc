#include "base/crc16.h"

#include <array>

namespace vigil {
namespace {

constexpr std::array<uint16_t, 256> makeTable() {
  std::array<uint16_t, 256> table{};
  for (unsigned i = 0; i < 256; i++) {
    unsigned value = i << 8;
    for (int bit = 0; bit < 8; bit++) value = (value << 1) ^ ((value & 0x8000) != 0 ? 0x1021u : 0u);
    table[i] = static_cast<uint16_t>(value);
  }
  return table;
}

constexpr auto kTable = makeTable();

}  // namespace

uint16_t crc16(std::string_view bytes) {
  unsigned value = 0;
  for (char c : bytes) value = ((value << 8) & 0xFFFF) ^ kTable[(value >> 8) ^ static_cast<unsigned char>(c)];
  return static_cast<uint16_t>(value);
}

std::string_view hashTag(std::string_view key) {
  const size_t open = key.find('{');
  if (open == std::string_view::npos) return key;
  const size_t close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

uint16_t keySlot(std::string_view key) { return crc16(hashTag(key)) % kSlotCount; }

}  // namespace vigil
