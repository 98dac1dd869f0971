// Raw heap blocks for the structures of this folder whose objects end in a variable number of bytes. Running out of
// memory ends the process: there is no caller who could go on. Counted as what comes from operator new is.
#pragma once

#include <cstddef>
#include <cstdlib>

#include "base/memory.h"

namespace vigil::ds {

inline void* allocateBytes(size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) std::abort();
  countMemory(static_cast<int64_t>(allocatedSize(block)));
  return block;
}

inline void* reallocateBytes(void* block, size_t size) {
  const auto before = static_cast<int64_t>(allocatedSize(block));
  void* moved = std::realloc(block, size);
  if (moved == nullptr) std::abort();
  countMemory(static_cast<int64_t>(allocatedSize(moved)) - before);
  return moved;
}

inline void freeBytes(void* block) {
  countMemory(-static_cast<int64_t>(allocatedSize(block)));
  std::free(block);
}

}  // namespace vigil::ds
