// Raw heap blocks for the structures of this folder whose objects end in a variable number of bytes. Running out of
// memory ends the process: there is no caller who could go on.
#pragma once

#include <cstddef>
#include <cstdlib>

namespace vigil::ds {

inline void* allocateBytes(size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) std::abort();
  return block;
}

inline void* reallocateBytes(void* block, size_t size) {
  void* moved = std::realloc(block, size);
  if (moved == nullptr) std::abort();
  return moved;
}

inline void freeBytes(void* block) { std::free(block); }

}  // namespace vigil::ds
