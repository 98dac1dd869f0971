// Decides when freed memory should go back to the system. Not thread safe; no clock: a timer calls it.
//
// mimalloc returns freed pages after a delay, but only when something happens in the same segment again, so after a
// mass of deletions the memory would stay. Returning at once always is no way either: a page that is freed and used
// again then costs a fault each time (4 KB blocks 20 times slower, 1 MB blocks 40 times). So: at once while the process
// holds much more than it uses, and patiently otherwise. In a trial, freeing half of 524 MB in runs left 522 MB
// resident without this and 320 MB with it.
#pragma once

#include <cstdint>

namespace vigil::runtime {

class MemoryReturn {
 public:
  // Call about ten times a second with usedMemory() and residentMemory(). True: every thread that frees should call
  // releaseMemoryToSystem() once, because much was freed since it last did.
  bool step(int64_t used, int64_t resident);
  bool atOnce() const { return atOnce_; }

 private:
  bool atOnce_ = false;
  int64_t highest_ = 0;  // what was used at most since the last release
};

}  // namespace vigil::runtime
