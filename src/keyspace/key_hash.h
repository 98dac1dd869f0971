// The hash of keys: XXH3 with the node's seed, so that clients cannot know which keys collide.
//
// A value: copy it freely. `mask` keeps only these bits of the hash; anything but all ones is for tests of collisions.
#pragma once

#include <cstdint>
#include <string_view>

namespace vigil::keyspace {

struct KeyHash {
  uint64_t seed = 0;
  uint64_t mask = ~uint64_t{0};

  uint64_t operator()(std::string_view key) const;
};

}  // namespace vigil::keyspace
