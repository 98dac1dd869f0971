// Asks the processor for a cache line that will be needed soon.
#pragma once

namespace vigil::keyspace {

inline void prefetch(const void* address) {
  __builtin_prefetch(address);
  // g++ takes a function that only prefetches for one without effect, and drops the calls to it. This has one.
  asm volatile("");
}

}  // namespace vigil::keyspace
