// Frees entries and tables away from the data plane: what UNLINK, expiry and FLUSHALL leave behind goes here.
#pragma once

#include <functional>

namespace vigil::keyspace {

// Thread safe: called under a shard's lock; it must not block.
class Reaper {
 public:
  virtual ~Reaper() = default;
  virtual void reap(std::move_only_function<void()> freeing) = 0;
};

}  // namespace vigil::keyspace
