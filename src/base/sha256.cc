#include "base/sha256.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>

#include "base/text.h"

namespace vigil {

std::string sha256Hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return toHex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

bool equalInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace vigil
