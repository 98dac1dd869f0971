// Frees entries and tables away from the data plane: what UNLINK, expiry and FLUSHALL leave behind goes here.
#pragma once

#include <cstdint>
#include <functional>

namespace vigil::keyspace {

// Thread safe: called under a shard's lock; it must not block.
class Reaper {
 public:
  virtual ~Reaper() = default;
  // `bytes`: about how much it will free, 0 if that is not known.
  virtual void reap(std::move_only_function<void()> freeing, int64_t bytes) = 0;
};

}  // namespace vigil::keyspace
