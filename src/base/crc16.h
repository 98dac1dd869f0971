// The slot of a key in a Redis Cluster: CRC-16/XMODEM of the key, or of its hash tag, modulo 16384. Pure, thread safe.
#pragma once

#include <cstdint>
#include <string_view>

namespace vigil {

inline constexpr uint16_t kSlotCount = 16384;

uint16_t crc16(std::string_view bytes);

// The part of `key` that decides its slot: what stands between the first '{' and the first '}' behind it, unless that
// is empty or missing; then the whole key.
std::string_view hashTag(std::string_view key);

uint16_t keySlot(std::string_view key);

}  // namespace vigil
