#include "base/sha1.h"

#include <openssl/sha.h>

namespace vigil {

static_assert(SHA_DIGEST_LENGTH == std::tuple_size_v<Sha1>);

Sha1 sha1(std::string_view bytes) {
  Sha1 digest;
  SHA1(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

}  // namespace vigil
