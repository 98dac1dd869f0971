// Frees entries and tables away from the data plane: what UNLINK, expiry and FLUSHALL leave behind goes here.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace vigil::keyspace {

class Table;

// What waits to be freed: about how many bytes, 0 if that is not known, and how many keys it belonged to.
struct Remains {
  int64_t bytes = 0;
  int64_t keys = 1;
};

// Thread safe: called under a shard's lock; it must not block.
class Reaper {
 public:
  virtual ~Reaper() = default;
  virtual void reap(std::move_only_function<void()> freeing, Remains what) = 0;
};

// Tables that no database has any more. Those that a snapshot still walks over are left to it.
void reapTables(Reaper& reaper, std::vector<std::shared_ptr<Table>> tables);

// Whether values that are some work to free are left to the reaper, where nobody asked for it with UNLINK. Such as would
// keep others waiting are, in any case.
struct LazyFreeing {
  std::atomic<bool> expire{false};        // lazyfree-lazy-expire
  std::atomic<bool> serverDelete{false};  // lazyfree-lazy-server-del: overwritten, or deleted by another command than DEL
};

}  // namespace vigil::keyspace
