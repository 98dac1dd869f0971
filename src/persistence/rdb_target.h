// Where the bytes of an RDB go: a file, a replica's socket, several replicas at once.
//
// All calls come on the executor of the save, one at a time: append() any number of times, then finish() or abandon()
// once. A target that cannot take bytes at the moment (a slow peer) must queue or spill them itself: nothing here waits
// for it, so that it throttles neither writers nor other targets.
#pragma once

#include <string_view>

#include "base/result.h"

namespace vigil::persistence {

class RdbTarget {
 public:
  virtual ~RdbTarget() = default;
  // The bytes are valid during the call only. After an error abandon() follows.
  virtual Status append(std::string_view bytes) = 0;
  // All bytes were given: makes them durable, or marks their end.
  virtual Status finish() = 0;
  // The save failed or was cancelled: undoes what can be undone.
  virtual void abandon() = 0;
};

}  // namespace vigil::persistence
