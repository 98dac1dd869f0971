// SHA-1: what Redis names scripts by and makes DEBUG DIGEST of. Not for secrets.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace vigil {

using Sha1 = std::array<uint8_t, 20>;

Sha1 sha1(std::string_view bytes);

}  // namespace vigil
