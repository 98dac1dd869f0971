// Port: randomness. In the simulator it is a function of the seed, so that a run can be replayed.
#pragma once

#include <cstdint>
#include <string>

namespace vigil {

// Thread safe.
class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual uint64_t next64() = 0;

  // `digits` lower-case hexadecimal digits: run ids, replication ids, node ids (40 digits).
  std::string hex(size_t digits) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text(digits, '0');
    for (size_t i = 0; i < digits;) {
      uint64_t bits = next64();
      for (int k = 0; k < 16 && i < digits; ++k, bits >>= 4) text[i++] = kDigits[bits & 15];
    }
    return text;
  }
};

}  // namespace vigil
