// The checksum of RDB files and DUMP payloads: CRC-64/Jones, reflected, starting from 0, no final inversion.
// Not thread safe; feed() in any pieces gives the same value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vigil {

class Crc64 {
 public:
  void feed(std::string_view bytes);
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0;
};

inline uint64_t crc64(std::string_view bytes) {
  Crc64 crc;
  crc.feed(bytes);
  return crc.value();
}

}  // namespace vigil
