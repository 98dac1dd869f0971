#include "keyspace/key_hash.h"

#define XXH_INLINE_ALL  // short keys are hashed without a call
#include <xxhash.h>

namespace vigil::keyspace {

uint64_t KeyHash::operator()(std::string_view key) const {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed) & mask;
}

}  // namespace vigil::keyspace
