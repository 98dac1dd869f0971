// SHA-256, as passwords are kept, and a comparison that does not tell how much of them was right.
#pragma once

#include <string>
#include <string_view>

namespace vigil {

inline constexpr size_t kSha256Digits = 64;

// 64 lower-case hexadecimal digits.
std::string sha256Hex(std::string_view bytes);

// Takes as long for texts that differ as for equal ones of that size.
bool equalInConstantTime(std::string_view a, std::string_view b);

}  // namespace vigil
